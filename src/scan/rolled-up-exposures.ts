import type { ExposureSpec, IdentityKey } from '../experiment/exposure-spec.js'
import { bound, sql, texts, where, type Sql } from '../sql/sql.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { utcDate, wholeUtcDays, type UtcDays } from '../time/utc-days.js'
import { aliasMap } from './alias-map.js'
import { asNumber, hashOf, isIdentity } from './columns.js'
import { experimentIn, type Exposures, type ExposureScan } from './exposure-scan.js'
import { tables } from './shards.js'

/** The columns of a rollup, for the statements that create it and for the query that reads it. */
export const rollupColumns: {
  readonly environment: 'environment'
  readonly event: 'event'
  readonly feature: 'feature'
  readonly day: 'day'
  readonly identity: 'identity'
  readonly identityHash: 'identity_hash'
  readonly variant: 'variant'
  readonly firstExposure: 'first_exposure'
} = /* @__PURE__ */ Object.freeze({
  environment: 'environment',
  event: 'event',
  feature: 'feature',
  day: 'day',
  identity: 'identity',
  identityHash: 'identity_hash',
  variant: 'variant',
  firstExposure: 'first_exposure',
})

/** The same names as SQL. */
export const rollupNames: {
  readonly [Name in keyof typeof rollupColumns]: Sql
} = /* @__PURE__ */ texts(rollupColumns)

/** The exposures of a window, read through the rollup. */
export interface RolledUpExposures extends Omit<Exposures, 'from'> {
  /** A SELECT of identity, variant and instant. */
  readonly select: Sql
  /** The identity in it, as it is distinguished. */
  readonly identity: Sql
}

/**
 * Reads the whole UTC days of a window from the rollup, and the partial first and last day from the events. The
 * timestamp of an exposure decides which of the two it comes from. `null` if there is no rollup or no whole day.
 *
 * @param cluster - the cluster whose shards hold the tables
 */
export function rolledUpExposures(
  spec: ExposureSpec,
  { startMs, asOfMs }: ExposureWindow,
  scan: ExposureScan,
  cluster: string | null,
): RolledUpExposures | null {
  const { identityKey, source } = spec
  const days = wholeUtcDays({ startMs, asOfMs })
  if (source.rollup === undefined || days === null) return null
  const [identity, variantKey, exposedAt] = scan.own('identity', 'variant_key', 'exposed_at')
  const { ofEvents, ofRollup, group } = identityKeys[identityKey]
  const { timestamp } = scan.columns
  const { start, end, predicates } = rollupOfDays(spec, days)

  const fromWholeDays = sql`
    SELECT
      ${rollupNames[ofRollup]} AS ${identity},
      ${rollupNames.variant} AS ${variantKey},
      ${rollupNames.firstExposure} AS ${exposedAt}
    FROM ${tables(source.rollup, cluster)}
    ${where(predicates)}
  `
  // A DateTime64: ClickHouse's index loses the last second before a DateTime if it is compared with a DateTime64.
  const inPartialDay = sql`(${timestamp} < toDateTime64(${start}, 3, 'UTC') OR ${timestamp} >= toDateTime64(${end}, 3, 'UTC'))`
  const withPartialDays = sql`
    SELECT
      ${ofEvents(scan.columns.identity)} AS ${identity},
      assumeNotNull(${scan.variantKey}) AS ${variantKey},
      toDateTime64(${timestamp}, 9, 'UTC') AS ${exposedAt}
    FROM ${tables(source.table, cluster)}
    ${where([...scan.predicates, inPartialDay, isIdentity(scan.columns.identity)])}
    UNION ALL
    ${fromWholeDays}
  `
  const isWhole = days.startMs === startMs && days.endMs === asOfMs
  return {
    select: isWhole ? fromWholeDays : withPartialDays,
    identity,
    // A rollup's own columns have the types that it was created with.
    guard: isWhole ? sql`1` : scan.guard,
    predicates: [],
    identityPredicates: [],
    identityGroup: group(identity),
    aliases: aliasMap(spec, scan, { identityOf: ofEvents, groupOf: group }),
    variantKey,
    exposedAt,
  }
}

/** The first of some UTC days and the day after the last, and the conditions for one experiment's rows of these days. */
export interface RollupOfDays {
  readonly start: Sql
  readonly end: Sql
  readonly predicates: readonly Sql[]
}

/** Some UTC days of a rollup. If the source does not have a column, its rollup does not have it either. */
export function rollupOfDays(spec: ExposureSpec, { startMs, endMs }: UtcDays): RollupOfDays {
  const start = bound('rollup_start', 'Date', utcDate(startMs))
  const end = bound('rollup_end', 'Date', utcDate(endMs))
  return {
    start,
    end,
    predicates: [
      ...experimentIn(rollupNames, spec),
      sql`${rollupNames.day} >= ${start}`,
      sql`${rollupNames.day} < ${end}`,
    ],
  }
}

interface RolledUpIdentity {
  readonly ofEvents: (identity: Sql) => Sql
  readonly ofRollup: 'identity' | 'identityHash'
  readonly group: (key: Sql) => Sql
}

// A rollup keeps the identifier's text and the hash of that text, so the events next to it are read the same way.
const identityKeys: Readonly<Record<IdentityKey, RolledUpIdentity>> = {
  hash: {
    ofEvents: (identity) => hashOf(sql`toString(${identity})`),
    ofRollup: 'identityHash',
    group: asNumber,
  },
  exact: {
    ofEvents: (identity) => sql`assumeNotNull(toString(${identity}))`,
    ofRollup: 'identity',
    group: (identity) => identity,
  },
}
