import { aList } from '../../checks.js'
import { invalidSpec } from '../../errors.js'
import { exposureSpec, type ExposureSpec } from '../../experiment/exposure-spec.js'
import { aliasMap } from '../../scan/alias-map.js'
import { batchStates } from '../../scan/batch-states.js'
import { asNumber, hashOf } from '../../scan/columns.js'
import { exposureScan } from '../../scan/exposure-scan.js'
import { settings } from '../../scan/guards.js'
import {
  identityStates,
  keptIdentity,
  variantKeysName,
  type IdentityStates,
} from '../../scan/identity-states.js'
import { passesOf, type AskedExperiment } from '../../scan/passes.js'
import { rolledUpExposures } from '../../scan/rolled-up-exposures.js'
import { selectedExposures } from '../../scan/selected-exposures.js'
import { eventTables, everyShard } from '../../scan/shards.js'
import { ownNames, type OwnNames } from '../../sql/own-names.js'
import { bound, joined, lines, prefixed, sql, texts, type Sql } from '../../sql/sql.js'
import { statement, type ExposuresQuery } from '../../sql/statement.js'
import { checkedWindow, type ExposureWindow } from '../../time/exposure-window.js'
import { overlapColumns } from './rows.js'

/** The most experiments of one question: 1,225 pairs. */
export const mostExperiments = 50

// An experiment's place and a variant's rank share one 32-bit integer: the place in the upper six bits.
const ranks: number = 2 ** 26

/**
 * Which identities do two experiments share, and which variants of the two do they see together? This SQL answers it.
 *
 * It returns one row for each pair of variants with the number of identities in both (`one` is 0 and `other` is 1), and
 * one row for each variant with all its identities (`one` and `other` are the same). Identities that are quarantined in
 * an experiment are rows of their own (`one_quarantined`, `other_quarantined`, the variant NULL). Pass the result to
 * `client.query` unchanged, and the rows to `summarizeOverlap`. `fetchOverlap` of `first-exposure/clickhouse` does both.
 *
 * Guarantees: those of `firstExposuresQuery`. Each experiment counts its identities as its own spec says: the result is
 * the join of the exposed identities of both. Identities are compared by the text of their identifiers, so the
 * experiments may be in different tables, whose columns have different types. Each spec's `aliases` are applied first. If their tables hold different kinds of
 * identifiers, such as a device and a user, no identity is shared.
 *
 * How it works: if the experiments share a table, one scan reads the exposures of both. Otherwise each table is read by
 * itself. A rollup is used if the source has one.
 *
 * @param one - made by `exposureSpec`; its `timeZone` and `breakdown` have no effect
 * @param other - another experiment, made by `exposureSpec`, of the same source or of another one
 * @param window - made by `exposureWindow`; it applies to both
 * @throws {@link ExposureError} `invalid-spec`, also if both are the same experiment; `invalid-instant`,
 *   `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, overlapQuery } from 'first-exposure'
 *
 * const { query_params } = overlapQuery(
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureSpec({ environmentKey: 'prod', featureName: 'search' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * query_params.feature_names // => ['checkout', 'search']
 * ```
 *
 * In short (`docs/statements.md` shows the full statement):
 *
 * ```sql
 * SELECT one_variant, other_variant, count() AS identities
 * FROM (
 *   SELECT identity, … AS one_variant, … AS other_variant
 *   FROM events
 *   WHERE experiment IN (…) AND timestamp >= … AND timestamp < …
 *   GROUP BY identity
 * )
 * GROUP BY one_variant, other_variant
 * ```
 */
export function overlapQuery(one: ExposureSpec, other: ExposureSpec, window: ExposureWindow): ExposuresQuery {
  return statement(overlaps([one, other], window, (index) => ['one', 'other'][index] ?? ''))
}

/**
 * Which identities does each pair of up to 50 experiments share? This SQL answers it for all pairs at once. It returns
 * the rows of {@link overlapQuery} for each pair. `one` and `other` are the places of the experiments in the list, from
 * 0. Pass the rows to `summarizeOverlaps`. `fetchOverlaps` of `first-exposure/clickhouse` does both.
 *
 * Guarantees: those of `overlapQuery`. The experiments of one source share one scan. The answer has at most as many rows
 * as the greatest `maxRows` of the specs, plus one that shows that there were more.
 *
 * How it works: each identity has one row of state for each of its experiments. These are collected for each identity,
 * and its pairs are counted. An identity in n experiments makes n (n + 1) / 2 pairs.
 *
 * @param experiments - 2 to 50 specs, made by `exposureSpec`, none of them twice
 * @param window - made by `exposureWindow`; it applies to all
 * @throws {@link ExposureError} `invalid-spec`, also if two are the same experiment; `invalid-instant`, `invalid-window`
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow, overlapsQuery } from 'first-exposure'
 *
 * const specs = ['checkout', 'search', 'banner'].map((featureName) =>
 *   exposureSpec({ environmentKey: 'prod', featureName }),
 * )
 * const { query_params } = overlapsQuery(specs, exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'))
 * query_params.feature_names // => ['checkout', 'search', 'banner']
 * ```
 *
 * In short: {@link overlapQuery}, for each pair.
 */
export function overlapsQuery(experiments: readonly ExposureSpec[], window: ExposureWindow): ExposuresQuery {
  aList(experiments, 'experiments', invalidSpec)
  if (experiments.length < 2 || experiments.length > mostExperiments) {
    throw invalidSpec('experiments', experiments, `Pass 2 to ${mostExperiments} specs.`)
  }
  return statement(overlaps(experiments, window, (index) => `experiments[${index}]`))
}

/** An experiment with its place in the question. */
interface PlacedExperiment extends AskedExperiment {
  readonly place: number
}

function overlaps(
  specs: readonly ExposureSpec[],
  window: ExposureWindow,
  nameOf: (index: number) => string,
): Sql {
  const checked = checkedWindow(window)
  const asked = specs.map((spec, place): PlacedExperiment => {
    const complete = exposureSpec(spec)
    return { spec: { ...complete, breakdown: null }, window: checked, place }
  })
  assertDifferent(asked, nameOf)
  const own = ownNames(...asked.map(({ spec }) => spec))
  const [keysOfAll] = own(variantKeysName)
  // Identities are compared across passes, so all of them are distinguished in the same way.
  const isExact = asked.some(({ spec }) => spec.identityKey === 'exact')
  const passes = passesOf(
    asked.map(({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, identityKey: isExact ? ('exact' as const) : ('hash' as const) },
    })),
  ).map((experiments, index, all) => {
    if (all.length === 1) return passOf(experiments, '', own)
    return passOf(experiments, `pass_${index + 1}_`, own, sql`${keysOfAll}[${index + 1}]`)
  })
  const [identities, pairs] = own('overlap_identities', 'overlap_pairs')
  const codes = joined(
    passes.map(({ codes: select }) => select),
    '\nUNION ALL\n',
  )
  const collected = sql`
    ${identities} AS (
      SELECT arraySort(groupArray(code)) AS codes
      FROM (
        ${codes}
      )
      GROUP BY who
    )
  `
  // A code with itself counts all identities of a variant.
  const eachPair = sql`arrayMap((code, from) -> arrayMap(next -> (code, next), arraySlice(codes, from)), codes, arrayEnumerate(codes))`
  const counted = sql`
    ${pairs} AS (
      SELECT
        pair.1 AS one_code,
        pair.2 AS other_code,
        count() AS identities_counted
      FROM (
        SELECT arrayJoin(arrayFlatten(${eachPair})) AS pair
        FROM ${identities}
      )
      GROUP BY one_code, other_code
    )
  `
  // One name for the keys of all passes: up to version 24.2, ClickHouse writes a named scalar into every subquery, also
  // into those of the next name, so that a statement with a name for each pass would be too large with a few of them.
  const steps =
    passes.length === 1
      ? passes.flatMap(({ steps }) => steps)
      : [
          sql`
            [
              ${lines(...passes.map(({ unnamed }) => unnamed.variantKeys))}
            ] AS ${keysOfAll}
          `,
          ...passes.flatMap(({ unnamed }) => unnamed.steps),
        ]
  const columns = texts(overlapColumns)
  const placeIn = (code: Sql): Sql => sql`intDiv(${code}, ${ranks})`
  const rankIn = (code: Sql): Sql => sql`${code} % ${ranks}`
  const keyIn = (code: Sql): Sql => {
    const [first, ...following] = passes
    const key = (first as OverlapPass).keyAt(rankIn(code))
    const others = following.flatMap(({ places, keyAt }) => [
      sql`has(${places}, ${placeIn(code)})`,
      keyAt(rankIn(code)),
    ])
    return others.length === 0 ? key : sql`multiIf(${joined([...others, key], ', ')})`
  }
  const ofCode = (code: Sql, place: Sql, quarantined: Sql, variant: Sql): Sql =>
    lines(
      sql`${placeIn(code)} AS ${place}`,
      sql`${rankIn(code)} = 0 AS ${quarantined}`,
      sql`if(${rankIn(code)} = 0, NULL, ${keyIn(code)}) AS ${variant}`,
    )
  const maxRows = Math.max(...asked.map(({ spec }) => spec.maxRows))
  const clusters = asked.flatMap(({ spec }) => everyShard(spec.source.cluster))
  return sql`
    WITH
      ${lines(...steps, collected, counted)}
    SELECT
      ${ofCode(sql`one_code`, columns.one, columns.oneQuarantined, columns.oneVariant)},
      ${ofCode(sql`other_code`, columns.other, columns.otherQuarantined, columns.otherVariant)},
      identities_counted AS ${columns.identities}
    FROM ${pairs}
    ORDER BY ${columns.one}, ${columns.other}, one_code, other_code
    LIMIT ${bound('row_limit', 'UInt64', maxRows + 1)}
    ${settings(...new Set(clusters))}
  `
}

/** One pass of the statement. */
interface OverlapPass {
  /** The parts of a WITH. */
  readonly steps: readonly Sql[]
  /** The same without the keys of the variants, and these. */
  readonly unnamed: IdentityStates['unnamed']
  /** A SELECT of `who` and `code`: the identity, and its experiment with the rank of the variant that it counts in. */
  readonly codes: Sql
  /** The places of its experiments in the question. */
  readonly places: Sql
  /** The key of a variant by its rank. */
  readonly keyAt: (rank: Sql) => Sql
}

/** @param variantKeys - where the statement has the keys of the pass's variants, if it has them itself */
function passOf(
  experiments: readonly PlacedExperiment[],
  prefix: string,
  allNames: OwnNames,
  variantKeys?: Sql,
): OverlapPass {
  const own = ((...names: readonly string[]) =>
    names.flatMap((name) =>
      variantKeys !== undefined && name === variantKeysName ? [variantKeys] : allNames(`${prefix}${name}`),
    )) as unknown as OwnNames
  const [states] = own('identities')
  const places = bound(
    'places',
    'Array(UInt8)',
    experiments.map(({ place }) => place),
  )
  const made = experiments.length === 1 ? alone : together
  const { steps, unnamed, place, identity, countedRank, keyAt } = made(experiments, states, own, places)
  const ofPass = (fragment: Sql): Sql => prefixed(fragment, prefix)
  return {
    steps: steps.map(ofPass),
    unnamed: { steps: unnamed.steps.map(ofPass), variantKeys: ofPass(unnamed.variantKeys) },
    codes: ofPass(sql`
      SELECT ${identity} AS who, toUInt32(${place}) * ${ranks} + ${countedRank} AS code
      FROM ${states}
    `),
    places: ofPass(places),
    keyAt,
  }
}

type PassStates = (
  experiments: readonly PlacedExperiment[],
  states: Sql,
  own: OwnNames,
  places: Sql,
) => Pick<OverlapPass, 'steps' | 'unnamed' | 'keyAt'> &
  Readonly<Record<'place' | 'identity' | 'countedRank', Sql>>

/** One experiment, through its rollup if it has one. */
const alone: PassStates = ([only], states, own, places) => {
  const { spec, window } = only as PlacedExperiment
  const scan = { ...exposureScan(spec, window), own }
  const rolledUp = rolledUpExposures(spec, window, scan, spec.source.cluster)
  const selected = selectedExposures(scan, eventTables(spec.source), rolledUp, undefined)
  const [identity] = own('who_entered')
  const by = rolledUp ?? {
    identityGroup: byText(spec, scan.identity),
    aliases: aliasMap(spec, scan, { identityOf: asText, groupOf: byTextKeys[spec.identityKey] }),
  }
  const exposures = { ...selected, identityGroup: by.identityGroup, aliases: by.aliases }
  const kept = { columns: [keptIdentity(exposures, identity)] }
  const made = identityStates(exposures, spec.multiVariant, states, own, kept)
  return { ...made, identity, place: sql`${places}[1]` }
}

/** Several experiments in one scan. */
const together: PassStates = (experiments, states, own, places) => {
  const [{ spec, window }] = experiments as readonly [PlacedExperiment]
  const scan = exposureScan(spec, window)
  const made = batchStates(experiments, scan, states, own, byText(spec, scan.identity), true)
  return { ...made, place: sql`${places}[${made.experiment}]` }
}

/** What distinguishes identities in all tables: the text of the identifier, whatever the type of its column. */
function byText({ identityKey }: ExposureSpec, identity: Sql): Sql {
  return byTextKeys[identityKey](asText(identity))
}

function asText(identity: Sql): Sql {
  return sql`toString(${identity})`
}

const byTextKeys: Readonly<Record<ExposureSpec['identityKey'], (text: Sql) => Sql>> = {
  hash: (text) => asNumber(hashOf(text)),
  exact: (text) => sql`assumeNotNull(${text})`,
}

function assertDifferent(asked: readonly PlacedExperiment[], nameOf: (index: number) => string): void {
  const seen = new Map<string, number>()
  for (const { spec, place } of asked) {
    const { source, environmentKey, eventName, featureName, filters } = spec
    const key = JSON.stringify([source, environmentKey, eventName, featureName, filters])
    const before = seen.get(key)
    if (before !== undefined) {
      throw invalidSpec(
        nameOf(place),
        spec,
        'Pass each experiment once.',
        `${nameOf(place)} is the same experiment as ${nameOf(before)}.`,
      )
    }
    seen.set(key, place)
  }
}
