import { aList, withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { batchStates } from '../../scan/batch-states.js'
import { exposureScan } from '../../scan/exposure-scan.js'
import { dateTime } from '../../scan/instants.js'
import { whyAlone, whyApart, type AskedExperiment } from '../../scan/passes.js'
import { bound, joined, lines, sql, text, texts, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { granularities, selectGranularity } from '../../time/granularity.js'
import { batchColumns } from './rows.js'

/** One of many experiments, and the window in which it is asked about. */
export interface BatchExperiment {
  /** Made by `exposureSpec`. */
  readonly spec: ExposureSpec
  /** Made by `exposureWindow`. */
  readonly window: ExposureWindow
}

/** The most experiments of one statement. */
export const mostInBatch: number = 1000

/**
 * Who entered each of many experiments, when, and in which variant? This SQL answers it for all of them in one pass over
 * their table. If the table is not sorted by feature, one pass costs hardly more than the largest experiment alone.
 *
 * It returns the rows of `firstExposuresQuery` for each experiment, with its place in the list, from 0, in the column
 * `experiment`. Pass the result to `client.query` unchanged, and the rows to `decodeBatchRows`.
 * `fetchExposuresSummaries` of `first-exposure/clickhouse` does both, and takes any experiments.
 *
 * Each experiment has its own feature, window, time zone, policy and `maxRows`. The granularity follows from the window.
 * Everything else must be the same for all: the source, the environment, the event, the filters and the identity key. The
 * same feature twice, a source with a rollup, a source that is `shardedByIdentity`, and `aliases` are refused: ask these
 * by themselves.
 *
 * Guarantees: those of `firstExposuresQuery`. The answer to each experiment is the answer to it alone. For each
 * experiment there are at most as many rows as the greatest `maxRows`, plus one.
 *
 * How it works: one scan finds the names of all variants, and one keeps a row of state for each experiment and identity.
 * Both read the experiments' features, from the first start of a window to the last end. The row of state is as large as
 * that of one experiment: the place of the experiment is in the bits of the ranks and of the hash. So the memory is that
 * of all identities of all experiments together.
 *
 * @param experiments - 1 to 1,000 experiments that can share a pass
 * @throws {@link ExposureError} `invalid-spec`, naming the first experiment that cannot share the pass and why;
 *   `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, firstExposuresBatchQuery } from 'first-exposure'
 *
 * const { query_params } = firstExposuresBatchQuery([
 *   {
 *     spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *     window: exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   },
 *   {
 *     spec: exposureSpec({ environmentKey: 'prod', featureName: 'search', timeZone: 'Europe/Madrid' }),
 *     window: exposureWindow('2026-06-13T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   },
 * ])
 * query_params.feature_names // => ['checkout', 'search']
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT experiment, quarantined, variant, bucket, count() AS new_identities
 * FROM (
 *   SELECT
 *     transform(feature, {features}, {places}) AS experiment,
 *     … -- as in firstExposuresQuery
 *   FROM events
 *   WHERE feature IN {features} AND timestamp >= {starts}[experiment] AND timestamp < {ends}[experiment]
 *   GROUP BY experiment, identity
 * )
 * GROUP BY experiment, quarantined, variant, bucket
 * ```
 */
export function firstExposuresBatchQuery(experiments: readonly BatchExperiment[]): ExposuresQuery {
  const asked = onePass(experiments)
  const windows = asked.map(({ window }) => window)
  const [{ spec }] = asked as [AskedExperiment]
  // The window that holds all windows.
  const scan = exposureScan(spec, {
    startMs: Math.min(...windows.map(({ startMs }) => startMs)),
    asOfMs: Math.max(...windows.map(({ asOfMs }) => asOfMs)),
  })
  const [states, buckets] = scan.own('identities', 'buckets')
  const { steps, experiment, countedRank, firstSecond, keyAt } = batchStates(
    asked,
    scan,
    states,
    scan.own,
    scan.identityGroup,
  )
  const byBucket = sql`
    ${buckets} AS (
      SELECT
        ${experiment} AS place,
        ${countedRank} AS counted_rank,
        ${bucketSecond(asked, sql`place`, dateTime(firstSecond))} AS bucket_second,
        count() AS identities_counted
      FROM ${states}
      GROUP BY place, counted_rank, bucket_second
    )
  `
  const columns = texts(batchColumns)
  const maxRows = Math.max(...asked.map(({ spec }) => spec.maxRows))
  return statement(sql`
    WITH
      ${lines(...steps, byBucket)}
    SELECT
      place - 1 AS ${columns.experiment},
      counted_rank = 0 AS ${columns.quarantined},
      if(counted_rank = 0, NULL, ${keyAt(sql`counted_rank`)}) AS ${columns.variant},
      toDateTime(bucket_second, 'UTC') AS ${columns.bucket},
      identities_counted AS ${columns.newIdentities}
    FROM ${buckets}
    ORDER BY place, bucket_second, counted_rank = 0, counted_rank
    LIMIT ${bound('row_limit', 'UInt64', maxRows + 1)} BY place
    ${scan.settings}
  `)
}

/** The start of the hour or day of each experiment, in its time zone, as a second of the epoch. */
function bucketSecond(experiments: readonly AskedExperiment[], place: Sql, instant: Sql): Sql {
  const kinds = new Map<string, { readonly second: Sql; readonly index: number }>()
  const kindOf = experiments.map(({ spec: { timeZone }, window }) => {
    const { startOfBucket } = granularities[selectGranularity(window)]
    const key = JSON.stringify([startOfBucket, timeZone])
    const index = kinds.get(key)?.index ?? kinds.size + 1
    const zone = bound(`time_zone_${index}`, 'String', timeZone)
    kinds.set(key, { second: sql`toUnixTimestamp(${text(startOfBucket)}(${instant}, ${zone}))`, index })
    return index
  })
  const all = [...kinds.values()].map(({ second }) => second)
  const [first, ...rest] = all as [Sql, ...Sql[]]
  if (rest.length === 0) return first
  const kind = sql`${bound('buckets_of', 'Array(UInt16)', kindOf)}[${place}]`
  const cases = rest.flatMap((second, index) => [sql`${kind} = ${index + 2}`, second])
  return sql`multiIf(${joined([...cases, first], ', ')})`
}

/** Checks the experiments, and that they can share a pass. */
function onePass(experiments: readonly BatchExperiment[]): readonly AskedExperiment[] {
  const asked = checkedExperiments(experiments)
  const [first] = asked
  if (first === undefined || asked.length > mostInBatch) {
    throw invalidSpec(
      'experiments',
      experiments,
      `Pass 1 to ${mostInBatch.toLocaleString('en')} experiments.`,
    )
  }
  const alone = whyAlone(first.spec)
  if (alone !== undefined) {
    throw invalidSpec(
      'experiments[0]',
      first,
      'Use firstExposuresQuery, or fetchExposuresSummaries.',
      `experiments[0] cannot be in a pass over many experiments: ${alone}.`,
    )
  }
  const places = new Map<string, number>()
  for (const [index, each] of asked.entries()) {
    const before = places.get(each.spec.featureName) ?? 0
    const why = index === 0 ? undefined : whyApart(each, asked[before] ?? first)
    if (why !== undefined) {
      throw invalidSpec(
        `experiments[${index}]`,
        each,
        'Ask it in another statement, or use fetchExposuresSummaries.',
        `experiments[${index}] cannot share a pass with experiments[${before}]: ${why}.`,
      )
    }
    places.set(each.spec.featureName, index)
  }
  return asked
}

/** Checks each experiment. Throws `invalid-spec`, `invalid-instant`, `invalid-window`. */
export function checkedExperiments(given: readonly BatchExperiment[]): readonly AskedExperiment[] {
  const list = aList(given, 'experiments', invalidSpec) as readonly BatchExperiment[]
  return list.map((each, index): AskedExperiment => {
    const { spec, window } = withFields(each, ['spec', 'window'], `experiments[${index}]`, invalidSpec)
    return { spec: exposureSpec(spec), window: checkedWindow(window) }
  })
}
