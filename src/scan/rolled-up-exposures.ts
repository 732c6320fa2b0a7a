import type { Comparison, ExposureFilter } from '../experiment/exposure-filter.js'
import type { ExposureSpec, IdentityKey } from '../experiment/exposure-spec.js'
import { identifier } from '../sql/identifiers.js'
import { bound, lines, sql, texts, where, type Sql } from '../sql/sql.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { aliasMap } from './alias-map.js'
import { asNumber, filterComparisons, hashOf, parameterOf, textOrNull } from './columns.js'
import { experimentIn, type Exposures, type ExposureScan } from './exposure-scan.js'
import { tables } from './shards.js'

/** The columns of a rollup, for the statements that create it and for the query that reads it. */
export const rollupColumns: {
  readonly environment: 'environment'
  readonly event: 'event'
  readonly feature: 'feature'
  readonly identity: 'identity'
  readonly identityHash: 'identity_hash'
  readonly firstExposures: 'first_exposures'
  readonly leastInstant: 'least_instant'
  readonly lastExposed: 'last_exposed'
  readonly variants: 'variants'
  readonly instants: 'instants'
} = /* @__PURE__ */ Object.freeze({
  environment: 'environment',
  event: 'event',
  feature: 'feature',
  identity: 'identity',
  identityHash: 'identity_hash',
  firstExposures: 'first_exposures',
  leastInstant: 'least_instant',
  lastExposed: 'last_exposed',
  variants: 'variants',
  instants: 'instants',
})

/** The same names as SQL. */
export const rollupNames: {
  readonly [Name in keyof typeof rollupColumns]: Sql
} = /* @__PURE__ */ texts(rollupColumns)

/** The column of a rollup that holds the values of a declared column, one for each of `variants`. */
export function valuesOf(declared: string): Sql {
  return identifier(`value_of_${declared}`)
}

/** A column that a statement reads and the rollup's table does not have. */
export interface UnknownToRollup {
  readonly name: string
  /** The column that the rollup was not declared with, if it is one. */
  readonly declared?: string
}

/** The column of a rollup that ClickHouse does not know, from the text of its error. */
export function unknownToRollup(message: string, query: string): UnknownToRollup | undefined {
  if (!query.includes(rollupColumns.leastInstant)) return undefined
  const [, name] =
    /[`'](value_of_.*?|variants|instants|first_exposures|least_instant|identity_hash)[`']/.exec(message) ?? []
  if (name === undefined) return undefined
  const [, declared] = /^value_of_(.*)$/.exec(name) ?? []
  return declared === undefined ? { name } : { name, declared }
}

/** The exposures of a window, read through the rollup. */
export interface RolledUpExposures extends Omit<Exposures, 'from'> {
  /** A SELECT of identity, variant and instant, and of the declared columns that were asked for. */
  readonly select: Sql
  /** The identity in it, as it is distinguished. */
  readonly identity: Sql
  /** What distinguishes the same identities in the events. */
  readonly identityGroupOfEvents: Sql
}

/** What a statement needs of a rollup besides identity, variant and instant. */
export interface AskedOfRollup {
  /** Declared columns, and how the SELECT calls them. */
  readonly columns?: readonly { readonly declared: string; readonly name: Sql }[]
  /** Whether the statement can group exposures that stand alone by variant and bucket instead of by identity. */
  readonly alone?: boolean
}

/**
 * Reads the exposures of a window from the rollup, or `null` if the source has no rollup.
 *
 * A least instant inside the window is the first exposure of its pair of identity and variant in the window. A least
 * instant at or after the end is outside. Only a least instant before the start does not tell when its pair was first
 * exposed in the window. So the events of these identities are read too. If they are many, the events of all identities
 * are read instead of the rollup. The rows of the rollup need not be merged: each holds instants of exposures that
 * happened, and the earliest one counts.
 *
 * @param cluster - the cluster whose shards hold the tables
 */
export function rolledUpExposures(
  spec: ExposureSpec,
  { startMs, asOfMs }: ExposureWindow,
  scan: ExposureScan,
  cluster: string | null,
  { columns = [], alone = false }: AskedOfRollup = {},
): RolledUpExposures | null {
  const { identityKey, source } = spec
  const { rollup } = source
  if (rollup === undefined) return null
  const [identity, variantKey, exposedAt, isAlone] = scan.own(
    'identity',
    'variant_key',
    'exposed_at',
    'is_alone',
  )
  const { ofEvents, ofRollup, group, groups } = identityKeys[identityKey]
  const rollupTable = tables(rollup, cluster)
  const ofExperiment = experimentIn(rollupNames, spec)
  // Of the type of the rollup's instants: an index loses the last second if the scales differ.
  const edge = (name: string, ms: number): Sql =>
    sql`toDateTime64(fromUnixTimestamp64Milli(${bound(name, 'Int64', ms)}), 9, 'UTC')`
  const start = edge('start_ms', startMs)

  // An identity can have a row for each of several events, also in one part. Parts of several servers share names.
  // An identity of several identifiers does not have all its exposures in the row of one of them.
  const canStandAlone = alone && cluster === null && !Array.isArray(rollup.eventName) && spec.aliases === null
  const standing = (value: Sql): readonly Sql[] => (canStandAlone ? [sql`${value} AS ${isAlone}`] : [])
  const filters = spec.filters.map((filter, index) => {
    const [name] = scan.own(`filtered_${index + 1}` as const)
    return {
      declared: (filter as { readonly column: string }).column,
      name,
      predicates: textPredicates(filter, index, name),
    }
  })
  // Scalars, so that what is not needed is not read at all.
  const isBefore = sql`${rollupNames.leastInstant} < ${start}`
  const counted = (predicates: readonly Sql[]): Sql =>
    sql`(SELECT count() FROM ${tables(rollup, source.cluster)} ${where(predicates)})`
  const early = counted([...ofExperiment, isBefore])
  // Beyond such a share, reading the events of all identities costs less than finding out whose to read.
  const mostAreEarly = sql`(${early} * 8 > ${counted(ofExperiment)})`
  // Inside, before the rows are multiplied.
  const rows = sql`
    SELECT
      ${lines(
        sql`${rollupNames[ofRollup]} AS ${identity}`,
        rollupNames.variants,
        rollupNames.instants,
        ...[...columns, ...filters].map(({ declared }) => valuesOf(declared)),
        ...standing(standsAlone(rollupTable, ofExperiment)),
      )}
    FROM ${rollupTable}
    ${where([sql`NOT ${mostAreEarly}`, ...ofExperiment])}
  `
  const fromRollup = sql`
    SELECT
      ${lines(
        identity,
        variantKey,
        exposedAt,
        ...columns.map(({ name }) => name),
        ...(canStandAlone ? [isAlone] : []),
      )}
    FROM
    (
      ${rows}
    )
    ARRAY JOIN
      ${lines(
        sql`${rollupNames.variants} AS ${variantKey}`,
        sql`${rollupNames.instants} AS ${exposedAt}`,
        ...[...columns, ...filters].map(({ declared, name }) => sql`${valuesOf(declared)} AS ${name}`),
      )}
    ${where([
      sql`${exposedAt} >= ${start}`,
      sql`${exposedAt} < ${edge('as_of_ms', asOfMs)}`,
      ...filters.flatMap(({ predicates }) => predicates),
    ])}
  `

  const isEarly = sql`
    (
      ${mostAreEarly}
      OR ${hashOf(sql`toString(${scan.columns.identity})`)} ${cluster === null ? sql`IN` : sql`GLOBAL IN`} (
        SELECT ${rollupNames.identityHash}
        FROM ${rollupTable}
        ${where([sql`NOT ${mostAreEarly}`, ...ofExperiment, isBefore])}
      )
    )
  `
  const fromEvents = sql`
    SELECT
      ${lines(
        sql`${ofEvents(scan.columns.identity)} AS ${identity}`,
        sql`assumeNotNull(${scan.variantKey}) AS ${variantKey}`,
        sql`toDateTime64(${scan.columns.timestamp}, 9, 'UTC') AS ${exposedAt}`,
        ...columns.map(
          ({ declared, name }) =>
            sql`CAST(${textOrNull(identifier(declared))}, 'Nullable(String)') AS ${name}`,
        ),
        ...standing(sql`toUInt8(0)`),
      )}
    FROM ${tables(source.table, cluster)}
    ${where([sql`${early} > 0`, ...scan.predicates, scan.hasIdentity, isEarly])}
  `
  return {
    select: sql`
      ${fromRollup}
      UNION ALL
      ${fromEvents}
    `,
    identity,
    guard: scan.guard,
    predicates: [],
    identityPredicates: [],
    identityGroup: group(identity),
    identityGroupOfEvents: group(ofEvents(scan.columns.identity)),
    aliases: aliasMap(spec, scan, { identityOf: ofEvents, groupOf: group }),
    variantKey,
    exposedAt,
    variantKeys: sql`
      (
        SELECT arraySort(groupUniqArrayArray(${rollupNames.variants}))
        FROM ${rollupTable}
        ${where(ofExperiment)}
      )
    `,
    ...(canStandAlone
      ? { alone: { is: isAlone, groups: (shared) => groups(isAlone, identity, shared) } }
      : {}),
  }
}

/**
 * Whether a row is all that the rollup has of its identity: one variant, in the largest merged part, and no row in any
 * other part. A merge leaves one row of an identity, so no other row of the part is about it. The other parts are seen
 * at the same time or later than the row, so they hold whatever they held of the identity then. A quarter of the hash
 * is enough: a row that is wrongly taken for one of several is only grouped.
 */
function standsAlone(rollup: Sql, ofExperiment: readonly Sql[]): Sql {
  const quarter = sql`reinterpretAsUInt32(${rollupNames.identityHash})`
  // The fourth word of a part's name is its level, which is 0 until a merge. One row of 1,024 tells the largest part.
  const largestPart = sql`
    (
      SELECT argMax(part, part_rows)
      FROM (
        SELECT toString(_part) AS part, count() AS part_rows
        FROM ${rollup}
        ${where([...ofExperiment, sql`_part_offset % 1024 = 0`])}
        GROUP BY part
      )
      WHERE toUInt64OrZero(splitByChar('_', part)[4]) > 0
    )
  `
  return sql`
    _part = ${largestPart}
    AND length(${rollupNames.variants}) = 1
    AND ${quarter} NOT IN (
      SELECT ${quarter}
      FROM ${rollup}
      ${where([...ofExperiment, sql`_part != ${largestPart}`])}
    )
  `
}

/** The predicates of a filter on the text of its column. The parameters are those of the predicates on the column. */
function textPredicates(filter: ExposureFilter, index: number, column: Sql): readonly Sql[] {
  return filterComparisons(filter, index).map((compared) =>
    ofText[compared.comparison](column, parameterOf(compared), compared.value),
  )
}

const hasText = (column: Sql, values: Sql): Sql =>
  sql`has(arrayMap(each -> toString(each), ${values}), assumeNotNull(${column}))`
/* v8 ignore next -- a spec with a rollup refuses ranges. */
const noRange = (): Sql => sql`0`
const ofText: Readonly<Record<Comparison, (column: Sql, parameter: Sql, value: unknown) => Sql>> = {
  equals: (column, parameter, value) =>
    // A boolean is printed as a word by a column of that type, and as a digit by a column of numbers.
    typeof value === 'boolean'
      ? sql`${column} IN (${value ? sql`'true', '1'` : sql`'false', '0'`})`
      : sql`${column} = toString(${parameter})`,
  in: (column, parameter) => sql`${column} IS NOT NULL AND ${hasText(column, parameter)}`,
  notIn: (column, parameter) => sql`${column} IS NOT NULL AND NOT ${hasText(column, parameter)}`,
  like: (column, parameter) => sql`${column} LIKE ${parameter}`,
  notLike: (column, parameter) => sql`${column} NOT LIKE ${parameter}`,
  isNull: (column, _, value) => (value === true ? sql`${column} IS NULL` : sql`${column} IS NOT NULL`),
  atLeast: noRange,
  below: noRange,
}

interface RolledUpIdentity {
  readonly ofEvents: (identity: Sql) => Sql
  readonly ofRollup: 'identity' | 'identityHash'
  readonly group: (key: Sql) => Sql
  /** What to group by if some exposures stand alone. */
  readonly groups: (isAlone: Sql, key: Sql, shared: Sql) => readonly Sql[]
}

// A rollup keeps the identifier's text and the hash of that text, so the events next to it are read the same way.
const identityKeys: Readonly<Record<IdentityKey, RolledUpIdentity>> = {
  hash: {
    ofEvents: (identity) => hashOf(sql`toString(${identity})`),
    ofRollup: 'identityHash',
    group: asNumber,
    // One number is grouped much faster than two. The highest bit keeps identities apart from the shared groups, and
    // most identities, which stand alone, are not distinguished by the hash at all.
    groups: (isAlone, key, shared) => [
      sql`if(${isAlone}, toUInt128(${shared}), bitOr(${asNumber(key)}, bitShiftLeft(toUInt128(1), 127)))`,
    ],
  },
  exact: {
    ofEvents: (identity) => sql`assumeNotNull(toString(${identity}))`,
    ofRollup: 'identity',
    group: (identity) => identity,
    groups: (isAlone, key, shared) => [sql`if(${isAlone}, '', ${key})`, sql`if(${isAlone}, ${shared}, 0)`],
  },
}
