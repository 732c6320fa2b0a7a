import type { ExposureSource } from '../spec/exposure-source.js'
import type { IdentityKey } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { isIdentity } from './is-identity.js'
import { rollupColumns } from './rollup-columns.js'
import type { SourceColumns } from './source-columns.js'
import { utcDate, wholeUtcDays } from './utc-days.js'

/** The exposures of a window as a SELECT of (identity key, variant, instant), and what its parameters are bound to. */
export interface RolledUpExposures {
  readonly select: string
  readonly query_params: { readonly rollup_start: string; readonly rollup_end: string }
}

/**
 * The whole UTC days of a window from the rollup, the partial first and last day from the events: each exposure comes
 * from one of the two, by its timestamp alone. `null` where there is no rollup or no whole day.
 *
 * @param columns - the source's, as SQL
 * @param predicates - those of the events in the whole window
 * @param from - a table as it stands after FROM
 * @param names - what the three columns are called
 */
export function selectRolledUpExposures(
  { table, rollup }: ExposureSource,
  columns: SourceColumns['sql'],
  { startMs, asOfMs }: ExposureWindow,
  identityKey: IdentityKey,
  predicates: readonly string[],
  from: (table: ExposureSource['table']) => string,
  names: { readonly identity: string; readonly variantKey: string; readonly exposedAt: string },
): RolledUpExposures | null {
  const days = wholeUtcDays({ startMs, asOfMs })
  if (rollup === undefined || days === null) return null
  const { ofEvents, ofRollup } = identityKeys[identityKey]
  const { identity, timestamp } = columns

  // A DateTime64, because ClickHouse's index loses the last second before a DateTime that a DateTime64 is compared with.
  const fromPartialDays = `SELECT
      ${ofEvents(identity)} AS ${names.identity},
      assumeNotNull(toString(${columns.variant})) AS ${names.variantKey},
      toDateTime64(${timestamp}, 9, 'UTC') AS ${names.exposedAt}
    FROM ${from(table)}
    WHERE ${predicates.join('\n      AND ')}
      AND (${timestamp} < toDateTime64({rollup_start:Date}, 3, 'UTC') OR ${timestamp} >= toDateTime64({rollup_end:Date}, 3, 'UTC'))
      AND ${isIdentity(identity)}`
  const fromWholeDays = `SELECT
      ${rollupColumns[ofRollup]} AS ${names.identity},
      ${rollupColumns.variant} AS ${names.variantKey},
      ${rollupColumns.firstExposure} AS ${names.exposedAt}
    FROM ${from(rollup)}
    WHERE ${experimentInRollup(columns).join('\n      AND ')}
      AND ${rollupColumns.day} >= {rollup_start:Date}
      AND ${rollupColumns.day} < {rollup_end:Date}`

  const isWhole = days.startMs === startMs && days.endMs === asOfMs
  return {
    select: isWhole ? fromWholeDays : `${fromPartialDays}\n    UNION ALL\n    ${fromWholeDays}`,
    query_params: { rollup_start: utcDate(days.startMs), rollup_end: utcDate(days.endMs) },
  }
}

/** One experiment's rows of a rollup. A column that the source does not have, its rollup does not have either. */
export function experimentInRollup(columns: {
  readonly environment: unknown
  readonly event: unknown
}): readonly string[] {
  return [
    ...(columns.environment === null ? [] : [`${rollupColumns.environment} = {environment_key:String}`]),
    ...(columns.event === null ? [] : [`${rollupColumns.event} = {event_name:String}`]),
    `${rollupColumns.feature} = {feature_name:String}`,
  ]
}

// A rollup keeps the identifier's text and the hash of that text, so the events beside it are read the same way.
const identityKeys: Readonly<
  Record<
    IdentityKey,
    { readonly ofEvents: (identity: string) => string; readonly ofRollup: keyof typeof rollupColumns }
  >
> = {
  hash: {
    ofEvents: (identity) => `murmurHash3_128(assumeNotNull(toString(${identity})))`,
    ofRollup: 'identityHash',
  },
  exact: {
    ofEvents: (identity) => `assumeNotNull(toString(${identity}))`,
    ofRollup: 'identity',
  },
}
