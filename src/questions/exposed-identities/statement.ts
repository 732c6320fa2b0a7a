import { withFields } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import type { MultiVariantPolicy } from '../../experiment/multi-variant-policy.js'
import { aSourceColumn, type SourceColumn } from '../../experiment/source-column.js'
import { columnSql } from '../../scan/columns.js'
import { exposureScan, type ExposureScan } from '../../scan/exposure-scan.js'
import type { IdentityPartition } from '../../scan/identity-partition.js'
import { identityStates, merges, type KeptState } from '../../scan/identity-states.js'
import { instantOf, nanosecondsOf, nanosecondsOfSortable, rankOf } from '../../scan/instants.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures, type SelectedExposures } from '../../scan/selected-exposures.js'
import { shardIdentityStates } from '../../scan/shard-identity-states.js'
import { countsOnShards, eventTables } from '../../scan/shards.js'
import { variantsByHash } from '../../scan/variant-hashes.js'
import { sortedValue, valueAtFirst, valueOf } from '../../scan/values-at-first.js'
import { identifier } from '../../sql/identifiers.js'
import { lines, nothing, sql, texts, where, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { exposedIdentityColumns } from './rows.js'

/** Extra columns of the relation, and the identities that it includes. */
export interface ExposedIdentitiesQueryOptions {
  /**
   * Columns of the events, or expressions over them. Each row gets their value at the first exposure, as text. A column
   * keeps its name. If the n-th dimension is an expression, it is called `dimension_n`. At most 20. Default: no
   * dimensions.
   */
  readonly dimensions?: readonly SourceColumn[]
  /** Only these identities. Partitions do not overlap, and together they hold all identities. */
  readonly partition?: IdentityPartition
  /**
   * The prefix of the parameter names, so that one statement can contain several of these. It consists of letters,
   * digits and underscores, and does not start with a digit. Default: no prefix.
   */
  readonly prefix?: string
}

/**
 * Who entered this experiment, when, and in which variant, and who was quarantined? This SQL answers it with one row
 * for each identity. Join metrics to this relation. The summary is its count.
 *
 * | column | type | meaning |
 * |---|---|---|
 * | `identity` | that of the source's column; text if it is an expression, or is read through a rollup | who |
 * | `variant` | `Nullable(String)` | the variant that the identity counts in; NULL if it is quarantined |
 * | `first_exposure` | `DateTime64(9, 'UTC')` | the instant of its first exposure |
 * | `quarantined` | `UInt8` | 1 if it was exposed to more than one variant; always 0 under `first-seen` |
 * | `first_variant` | `String` | the variant of its first exposure, also for quarantined identities |
 * | each dimension | `Nullable(String)` | its value at the first exposure |
 *
 * If there are several variants or values at the first instant, the smallest in byte order counts. The rows are
 * unordered.
 *
 * The statement can be a subquery, in parentheses, of your own statement: give its parameters a `prefix`, and merge
 * `query_params`. Or pass the result to `client.query` unchanged. There are as many rows as identities, without a
 * limit, so read them as a stream.
 *
 * Guarantees: those of `firstExposuresQuery`, except the limit on the rows. Counted by variant and by the bucket of
 * `first_exposure`, the rows give the summary. The quarantined rows are its excluded identities. Identities are
 * distinguished by the identifier itself, whatever `identityKey` says.
 *
 * How it works: it groups by identity and keeps the state of `firstExposuresQuery`, with the instant of the first
 * exposure instead of its second. If the source is `shardedByIdentity`, each shard reduces its own identities. If the
 * source has a rollup, the statement reads it, except if a dimension is not among its declared columns.
 *
 * If the spec has `aliases`, `identity` is the identifier that an identity's identifiers resolve to, even if it was never
 * exposed itself. The statement fails if an alias names a text that is no value of the identity's column, such as a name
 * for a UUID. If the source's identity is an expression, it is text.
 *
 * @param spec - made by `exposureSpec`; its `identityKey`, `breakdown`, `timeZone` and `maxRows` have no effect
 * @param window - made by `exposureWindow`
 * @param options.dimensions - columns or expressions, at most 20; default: no dimensions
 * @param options.partition - only the identities of one of `of` partitions; default: all identities
 * @param options.prefix - the prefix of the parameter names; default: no prefix
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposedIdentitiesQuery, exposureSpec, exposureWindow } from 'first-exposure'
 *
 * const exposed = exposedIdentitiesQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   { prefix: 'e_' },
 * )
 * const purchases = `
 *   SELECT variant, count() AS n, sum(amount) AS total
 *   FROM (${exposed.query}) AS exposed
 *   INNER JOIN purchases ON purchases.user_id = exposed.identity
 *   WHERE purchases.at >= exposed.first_exposure AND NOT quarantined
 *   GROUP BY variant`
 * purchases.includes('{e_feature_name:String}') // => true
 * exposed.query_params.e_feature_name // => 'checkout'
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT identity, if(uniq(variant) > 1, NULL, any(variant)) AS variant, min(timestamp) AS first_exposure, …
 * FROM events
 * WHERE experiment = … AND timestamp >= … AND timestamp < …
 * GROUP BY identity
 * ```
 */
export function exposedIdentitiesQuery(
  spec: ExposureSpec,
  window: ExposureWindow,
  options: ExposedIdentitiesQueryOptions = {},
): ExposuresQuery {
  const complete = exposureSpec({
    ...exposureSpec(spec),
    identityKey: 'exact',
  })
  const checked = checkedWindow(window)
  const {
    partition,
    prefix = '',
    ...asked
  } = withFields(options, ['dimensions', 'partition', 'prefix'], 'options', invalidSpec)
  if (typeof prefix !== 'string' || !/^([a-z_]\w{0,40})?$/i.test(prefix)) {
    throw invalidSpec('prefix', prefix, 'Pass up to 41 letters, digits and underscores, not a digit first.')
  }
  const { source } = complete
  const columns = columnsOfDimensions(asked.dimensions ?? [])
  const scan = exposureScan({ ...complete, dimensions: columns }, checked)
  const declared = source.rollup?.columns ?? []
  const rolledUpColumns = columns.filter(
    (column) => typeof column === 'string' && declared.includes(column),
  ) as readonly string[]
  const onShards = countsOnShards(complete)
  const cluster = onShards ? null : source.cluster
  const kept = columns.map((_, index) => scan.own(`value_of_dimension_${index + 1}` as const)[0])
  const rolledUp =
    rolledUpColumns.length === columns.length
      ? rolledUpExposures(complete, checked, scan, cluster, {
          columns: rolledUpColumns.map((column, index) => ({
            declared: column,
            name: kept[index] ?? nothing,
          })),
        })
      : null
  const exposedAt = rolledUp?.exposedAt ?? scan.exposedAt
  const dimensions = columns.map((column, index) =>
    dimensionOf(
      index,
      column,
      rolledUp === null ? columnSql(column, `dimension_${index + 1}`) : (kept[index] ?? nothing),
      exposedAt,
      scan,
    ),
  )
  const exposures = selectedExposures(scan, eventTables(source, cluster), rolledUp, partition)
  const answer = onShards ? ofShards : ofTable
  return statement(answer(complete.multiVariant, exposures, scan, dimensions), prefix)
}

interface Dimension {
  /** Its column name in the answer. */
  readonly name: Sql
  /** The state that is kept for it. */
  readonly kept: KeptState
}

function nameOfDimension(column: SourceColumn, index: number): string {
  return typeof column === 'string' ? column : `dimension_${index + 1}`
}

/** Checks the dimensions: their names must differ from each other and from the other columns of the answer. */
function columnsOfDimensions(columns: readonly SourceColumn[]): readonly SourceColumn[] {
  if (!Array.isArray(columns) || columns.length > 20) {
    throw invalidSpec('dimensions', columns, 'Pass a list of at most 20 columns or expressions.')
  }
  const names = new Set<string>(Object.values(exposedIdentityColumns))
  return columns.map((given: SourceColumn, index) => {
    const path = `dimensions[${index}]`
    const column = aSourceColumn(given, path, invalidSpec)
    const name = nameOfDimension(column, index)
    if (names.has(name)) {
      throw invalidSpec(
        path,
        name,
        'The answer has a column of this name already. Pass it as an expression: trustedSql`…`.',
      )
    }
    names.add(name)
    return column
  })
}

function dimensionOf(
  index: number,
  column: SourceColumn,
  value: Sql,
  exposedAt: Sql,
  scan: ExposureScan,
): Dimension {
  const [kept] = scan.own(`kept_dimension_${index + 1}` as const)
  return {
    name: identifier(nameOfDimension(column, index)),
    kept: { name: kept, state: valueAtFirst(exposedAt, value), merged: merges.minimum },
  }
}

type Answer = (
  policy: MultiVariantPolicy,
  exposures: SelectedExposures,
  scan: ExposureScan,
  dimensions: readonly Dimension[],
) => Sql

const columns = /* @__PURE__ */ texts(exposedIdentityColumns)

/** The rows of a table, or of a cluster's tables. The states of each identity are merged here. */
const ofTable: Answer = (policy, exposures, scan, dimensions) => {
  const [identities, identity] = scan.own('identities', 'exposed_identity')
  const { steps, countedRank, firstInstantAndRank, keyAt } = identityStates(
    exposures,
    policy,
    identities,
    scan.own,
    {
      first: true,
      identity,
      columns: dimensions.map(({ kept }) => kept),
    },
  )
  return sql`
    WITH
      ${lines(...steps)}
    SELECT
      ${lines(
        sql`${identity} AS ${columns.identity}`,
        sql`if(${countedRank} = 0, NULL, ${keyAt(countedRank)}) AS ${columns.variant}`,
        sql`${instantOf(nanosecondsOf(firstInstantAndRank))} AS ${columns.firstExposure}`,
        sql`${countedRank} = 0 AS ${columns.quarantined}`,
        sql`${keyAt(rankOf(firstInstantAndRank))} AS ${columns.firstVariant}`,
        ...dimensions.map(valueColumn),
      )}
    FROM ${identities}
    ${scan.settings}
  `
}

/**
 * The rows of all shards. Each shard has all exposures of its identities. A scalar would come from another shard's
 * table.
 */
const ofShards: Answer = (policy, exposures, scan, dimensions) => {
  const { from, predicates, identityPredicates, identityGroup } = exposures
  const [identity] = scan.own('exposed_identity')
  const { state, quarantined, countedHash, firstInstantAndKey } = shardIdentityStates(
    exposures,
    policy,
    scan.own,
    true,
  )
  const firstVariant = sql`substring(${firstInstantAndKey}, 9)`
  const identities = sql`
    SELECT
      ${lines(
        sql`${identityGroup} AS ${identity}`,
        ...state,
        ...dimensions.map(({ kept: { name, state } }) => sql`${state ?? nothing} AS ${name}`),
      )}
    FROM ${from}
    ${where([...predicates, ...identityPredicates])}
    GROUP BY ${identityGroup}
  `
  return sql`
    SELECT
      ${lines(
        sql`${identity} AS ${columns.identity}`,
        sql`if(${quarantined}, NULL, ${firstVariant}) AS ${columns.variant}`,
        sql`${instantOf(nanosecondsOfSortable(firstInstantAndKey))} AS ${columns.firstExposure}`,
        sql`${quarantined} AS ${columns.quarantined}`,
        sql`${firstVariant} AS ${columns.firstVariant}`,
        ...dimensions.map(valueColumn),
      )}
    FROM cluster(${scan.cluster}, view(
      ${countedHash === nothing ? identities : ofDistinctHashes(identities, exposures, scan)}
    ))
    ${where([exposures.guard])}
    ${scan.settings}
  `
}

/** The same identities, unless two variants have the same hash: then the statement fails. */
function ofDistinctHashes(identities: Sql, exposures: SelectedExposures, scan: ExposureScan): Sql {
  const [key] = scan.own('key_scanned')
  // The second SELECT has one row, with 0, or fails.
  return sql`
    SELECT *
    FROM (
      ${identities}
    ) AS states
    CROSS JOIN (
      SELECT max(in_many) AS hashes_shared
      FROM (
        ${variantsByHash(exposures, key)}
      )
    ) AS hashed
    WHERE hashes_shared = 0
  `
}

function valueColumn({ name, kept }: Dimension): Sql {
  return sql`${valueOf(sortedValue(kept.name))} AS ${name}`
}
