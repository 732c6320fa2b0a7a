import {
  defaultEventName,
  exposureSource,
  flagsmithEvents,
  type ExposureSource,
  type ExposureSourceInput,
} from './exposure-source.js'
import { breakdownColumn, type BreakdownColumn, type BreakdownColumnInput } from './breakdown-column.js'
import { exposureFilters, type ExposureFilter } from './exposure-filter.js'
import { invalidSpec } from './invalid-spec.js'
import { key } from './key.js'
import type { SourceColumn } from './source-column.js'
import { assertTimeZone } from './time-zone.js'

/**
 * What happens to an identity that was exposed to more than one variant inside the window: it is counted as
 * excluded and nowhere else (`quarantine`), or it counts in the variant of its first exposure (`first-seen`; at
 * the same instant, the smallest key in byte order).
 */
export type MultiVariantPolicy = 'quarantine' | 'first-seen'

/**
 * How identities are told apart: by a 128-bit hash of the identifier (`hash`; among 10⁹ identities, two are taken
 * for one with a probability of 10⁻²¹), or by the identifier itself (`exact`; slower and larger).
 */
export type IdentityKey = 'hash' | 'exact'

/** What to ask, complete and checked. Made by {@link exposureSpec}. */
export interface ExposureSpec {
  /** `null` where the source has no environment column. */
  readonly environmentKey: string | null
  readonly featureName: string
  /** `null` where the source has no event column. */
  readonly eventName: string | null
  /** The IANA zone whose hours and days are the buckets. */
  readonly timeZone: string
  readonly multiVariant: MultiVariantPolicy
  readonly identityKey: IdentityKey
  /** The most rows an answer may have; one more is `too-many-buckets`. */
  readonly maxRows: number
  /** All of them restrict the events that count. */
  readonly filters: readonly ExposureFilter[]
  /** `null` where nothing was asked to be broken down. */
  readonly breakdown: BreakdownColumn | null
  readonly source: ExposureSource
}

/** What to ask: the experiment, and whatever differs from the defaults. */
export interface ExposureSpecInput {
  /** The environment's key. Required where the source has an environment column, refused where it has none. */
  readonly environmentKey?: string | null
  /** The feature or experiment. */
  readonly featureName: string
  /**
   * The event that is an exposure. Default that of the source's rollup, or what the source calls its exposures,
   * `$flag_exposure` unless it says otherwise; refused where the source has no event column, or a rollup of another
   * event.
   */
  readonly eventName?: string | null
  /** The IANA zone whose hours and days are the buckets. Default `UTC`. */
  readonly timeZone?: string
  /** Default `quarantine`. */
  readonly multiVariant?: MultiVariantPolicy
  /** Default `hash`. */
  readonly identityKey?: IdentityKey
  /** The most rows an answer may have, 1 to 10,000,000. Default 100,000: variants × buckets, with room to spare. */
  readonly maxRows?: number
  /**
   * Only events that meet all of these are exposures. Default none. A filter on the variant is refused: it would hide
   * the identities that were exposed to another one. Refused as well where the source has a rollup, which keeps no
   * other columns.
   */
  readonly filters?: readonly ExposureFilter[]
  /**
   * A column whose values `exposureBreakdownQuery` tells apart. Default none. The summary of the whole is the same
   * with and without it.
   */
  readonly breakdown?: BreakdownColumnInput | null
  /** Default {@link flagsmithEvents}. */
  readonly source?: ExposureSourceInput
}

const fields: readonly string[] = [
  'environmentKey',
  'featureName',
  'eventName',
  'timeZone',
  'multiVariant',
  'identityKey',
  'maxRows',
  'filters',
  'breakdown',
  'source',
] satisfies readonly (keyof ExposureSpec)[]

/**
 * Which experiment is asked about, where its exposures are, and how they are to be counted?
 *
 * @param input - the experiment, and whatever differs from the defaults
 * @returns a frozen, complete spec; `exposureSpec(spec)` equals `spec`
 * @throws {@link ExposureError} `invalid-spec`, naming the field: a key that is missing, empty or not well-formed
 *   Unicode, a time zone that is no IANA name, an unknown policy, an unknown field, a name that cannot be quoted, an
 *   event that the source's rollup does not hold
 *
 * @example
 * ```ts
 * import { exposureSpec } from 'first-exposure'
 *
 * const spec = exposureSpec({
 *   featureName: 'checkout',
 *   timeZone: 'Europe/Madrid',
 *   source: {
 *     table: { database: 'analytics', table: 'exposures' },
 *     columns: { environment: null, event: null, feature: 'experiment', identity: 'user_id', variant: 'arm' },
 *   },
 * })
 * spec.multiVariant // => 'quarantine'
 * spec.source.columns.timestamp // => 'timestamp'
 * ```
 */
export function exposureSpec(input: ExposureSpecInput): ExposureSpec {
  if (typeof input !== 'object' || input === null)
    throw invalidSpec('spec', input, 'Pass { environmentKey, featureName }.')
  for (const field of Object.keys(input)) {
    if (!fields.includes(field)) {
      throw invalidSpec(
        field,
        input[field as keyof ExposureSpecInput],
        `A spec has the fields ${fields.join(', ')}.`,
      )
    }
  }
  const source = input.source === undefined ? flagsmithEvents() : exposureSource(input.source)
  const timeZone = input.timeZone ?? 'UTC'
  assertTimeZone(timeZone)
  return Object.freeze({
    environmentKey: keyFor(source.columns.environment, input.environmentKey, 'environmentKey'),
    featureName: key(input.featureName, 'featureName'),
    eventName: eventNameFor(source, input.eventName),
    timeZone,
    multiVariant: oneOf(['quarantine', 'first-seen'], input.multiVariant ?? 'quarantine', 'multiVariant'),
    identityKey: oneOf(['hash', 'exact'], input.identityKey ?? 'hash', 'identityKey'),
    maxRows: rowBound(input.maxRows ?? 100_000),
    filters: filtersFor(source, input.filters ?? []),
    breakdown: input.breakdown == null ? null : breakdownColumn(input.breakdown),
    source,
  })
}

function filtersFor(
  { columns, rollup }: ExposureSource,
  input: readonly ExposureFilter[],
): readonly ExposureFilter[] {
  const filters = exposureFilters(input, columns)
  if (rollup !== undefined && filters.length > 0) {
    throw invalidSpec(
      'filters',
      filters,
      'The source has a rollup, which does not keep what they are about. Pass the source without the rollup.',
    )
  }
  return filters
}

/** The event to count; where the source has a rollup, the one that the rollup holds, and no other. */
function eventNameFor(source: ExposureSource, value: unknown): string | null {
  const { columns, rollup } = source
  const held = rollup === undefined ? (source.eventName ?? defaultEventName) : rollup.eventName
  const eventName = keyFor(columns.event, columns.event === null ? value : (value ?? held), 'eventName')
  if (rollup !== undefined && eventName !== held) {
    throw invalidSpec(
      'eventName',
      eventName,
      'The source has a rollup of another event. Pass that event, or the source without the rollup.',
    )
  }
  return eventName
}

/** A key for a column that may be absent: a value without its column would be ignored in silence, so it is refused. */
function keyFor(column: SourceColumn | null, value: unknown, field: string): string | null {
  if (column !== null) return key(value, field)
  if (value == null) return null
  throw invalidSpec(
    field,
    value,
    `The source has no such column, so nothing could be restricted by it. Leave ${field} out.`,
  )
}

function oneOf<Value extends string>(values: readonly Value[], value: Value, field: string): Value {
  if (!values.includes(value))
    throw invalidSpec(field, value, `Pass ${values.map((v) => `'${v}'`).join(' or ')}.`)
  return value
}

function rowBound(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 10_000_000) {
    throw invalidSpec('maxRows', value, 'Pass a whole number from 1 to 10,000,000.')
  }
  return value
}
