import { aName, aWholeNumber, oneOf, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { isTrustedSql } from '../sql/trusted-sql.js'
import { aTimeZone } from '../time/time-zone.js'
import { breakdownColumn, type BreakdownColumn, type BreakdownColumnInput } from './breakdown-column.js'
import { exposureFilters, type ExposureFilter } from './exposure-filter.js'
import {
  defaultEventName,
  eventNames,
  exposureSource,
  flagsmithEvents,
  type EventNames,
  type ExposureSource,
  type ExposureSourceInput,
  type RollupTable,
} from './exposure-source.js'
import { identityAliases, type IdentityAliases, type IdentityAliasesInput } from './identity-aliases.js'
import { aMultiVariantPolicy, type MultiVariantPolicy } from './multi-variant-policy.js'
import type { SourceColumn } from './source-column.js'

/**
 * How identities are distinguished. `hash` uses a 128-bit hash of the identifier: among 10⁹ identities, the probability
 * that two share a hash is 10⁻²¹. `exact` uses the identifier itself: it is slower and needs more memory.
 */
export type IdentityKey = 'hash' | 'exact'

/** What to ask, complete and checked. Made by {@link exposureSpec}. */
export interface ExposureSpec {
  /** `null` if the source has no environment column. */
  readonly environmentKey: string | null
  readonly featureName: string
  /** One event, or several events that all are exposures. `null` if the source has no event column. */
  readonly eventName: EventNames | null
  /** The IANA time zone of the hours and days that are the buckets. */
  readonly timeZone: string
  readonly multiVariant: MultiVariantPolicy
  readonly identityKey: IdentityKey
  /** The maximum number of rows in an answer. One more row is the error `too-many-buckets`. */
  readonly maxRows: number
  /** Only events that pass all of these filters count. */
  readonly filters: readonly ExposureFilter[]
  /** `null` if no breakdown was requested. */
  readonly breakdown: BreakdownColumn | null
  /** `null` if every identifier stands for itself. */
  readonly aliases: IdentityAliases | null
  readonly source: ExposureSource
}

/** What to ask: the experiment, and every value that differs from its default. */
export interface ExposureSpecInput {
  /** The environment's key. Required if the source has an environment column, refused if it has none. */
  readonly environmentKey?: string | null
  /** The feature or experiment. */
  readonly featureName: string
  /**
   * The event that is an exposure. Default: the event of the source's rollup, or the source's own event name, which is
   * `$flag_exposure` unless the source says otherwise. Refused if the source has no event column, or has a rollup of
   * another event. With several events, each of them is an exposure, for example the events of an older and a newer
   * SDK.
   */
  readonly eventName?: EventNames | null
  /** The IANA time zone of the hours and days that are the buckets. Default `UTC`. */
  readonly timeZone?: string
  /** Default `quarantine`. */
  readonly multiVariant?: MultiVariantPolicy
  /** Default `hash`. */
  readonly identityKey?: IdentityKey
  /**
   * The maximum number of rows in an answer, 1 to 10,000,000. Default 100,000, more than enough for variants × buckets.
   */
  readonly maxRows?: number
  /**
   * Only events that pass all of these filters are exposures. Default: no filters. A filter on the variant is refused,
   * because it would hide the identities that were exposed to another variant. If the source has a rollup, a filter can
   * compare only the columns that the rollup was declared with, and no ranges.
   */
  readonly filters?: readonly ExposureFilter[]
  /**
   * A column whose values `exposureBreakdownQuery` reports separately. Default: no breakdown. The summary of the whole
   * is the same with and without it.
   */
  readonly breakdown?: BreakdownColumnInput | null
  /**
   * A table that says which identifiers stand for which others, for example an anonymous identifier for a user's. Then
   * an identity is everything that resolves to one identifier: its exposures are those of all of them, and so are its
   * first exposure and its variants. The table is read when the question is asked, so a merge of today corrects the
   * past. Default: `null`, every identifier stands for itself.
   *
   * - An identifier with several different targets stands for itself. The ledger counts it as ambiguous.
   * - One step only: with a → b and b → c, `a` resolves to `b`, and `b` to `c`. The ledger counts such chains.
   * - A row that maps an identifier to itself, or has an empty or NULL identifier, is ignored. Equal rows count once.
   * - Identifiers are compared as values of the identity's column. If a text is no value of its type, it is compared as
   *   text. So a `String` may stand for a `UUID`.
   */
  readonly aliases?: IdentityAliasesInput | null
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
  'aliases',
  'source',
] satisfies readonly (keyof ExposureSpec)[]

/**
 * Which experiment is this about, where are its exposures, and how are they counted?
 *
 * @param input - the experiment, and every value that differs from its default
 * @returns a frozen, complete spec; `exposureSpec(spec)` equals `spec`
 * @throws {@link ExposureError} `invalid-spec`, naming the field: a key or name that is missing, empty or not
 *   well-formed Unicode, an unknown time zone, policy or field, an event that the source's rollup does not hold
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
  withFields(input, fields, 'spec', invalidSpec, '')
  const given = input.source === undefined ? flagsmithEvents() : exposureSource(input.source)
  const eventName = eventNameFor(given, input.eventName)
  // The source says which event the spec counts. A rollup made from the source then holds that event.
  const isOwnEvent = eventName === null || String(eventName) === String(given.eventName ?? defaultEventName)
  const source = isOwnEvent ? given : exposureSource({ ...given, eventName })
  return Object.freeze({
    environmentKey: keyFor('environment', source, input.environmentKey, 'environmentKey') as string | null,
    featureName: aName(input.featureName, 'featureName', invalidSpec),
    eventName,
    timeZone: aTimeZone(input.timeZone ?? 'UTC', 'timeZone', invalidSpec),
    multiVariant: aMultiVariantPolicy(input.multiVariant ?? 'quarantine', 'multiVariant', invalidSpec),
    identityKey: oneOf(['hash', 'exact'])(input.identityKey ?? 'hash', 'identityKey', invalidSpec),
    maxRows: aWholeNumber(1, 10_000_000)(input.maxRows ?? 100_000, 'maxRows', invalidSpec),
    filters: filtersFor(source, input.filters ?? []),
    breakdown: input.breakdown == null ? null : breakdownColumn(input.breakdown),
    aliases: input.aliases == null ? null : identityAliases(input.aliases),
    source,
  })
}

function filtersFor(
  { columns, rollup }: ExposureSource,
  input: readonly ExposureFilter[],
): readonly ExposureFilter[] {
  const filters = exposureFilters(input, columns)
  if (rollup !== undefined) {
    for (const [index, filter] of filters.entries()) isOfRollup(filter, `filters[${index}]`, rollup)
  }
  return filters
}

/** Refuses a filter that a rollup cannot answer. */
function isOfRollup(filter: ExposureFilter, path: string, rollup: RollupTable): void {
  if (isTrustedSql(filter)) {
    throw invalidSpec(
      path,
      filter,
      'Compare a declared column, or pass the source without the rollup.',
      `${path} is trusted SQL. The source has a rollup, which does not keep every column.`,
    )
  }
  const { column, ...compared } = filter
  if (!rollup.columns.includes(column)) {
    throw invalidSpec(
      `${path}.column`,
      column,
      `Declare it when you create the rollup, with rollupSchema({ …, columns: [${JSON.stringify(column)}] }), ` +
        'or pass the source without the rollup.',
      'The source has a rollup, which does not keep this column.',
    )
  }
  for (const [comparison, value] of Object.entries(compared)) {
    if (comparesText(comparison, value)) continue
    throw invalidSpec(
      `${path}.${comparison}`,
      value,
      'Compare with text, a whole number or a boolean, not with a range; or pass the source without the rollup.',
      'The source has a rollup, which keeps the column as text.',
    )
  }
}

/** Whether a comparison with the text of a column gives the same as with the column. */
function comparesText(comparison: string, value: unknown): boolean {
  if (comparison === 'atLeast' || comparison === 'below') return false
  return (Array.isArray(value) ? value : [value]).every(
    (each) => typeof each === 'string' || typeof each === 'boolean' || Number.isSafeInteger(each),
  )
}

/** The event to count. If the source has a rollup, only the rollup's event is allowed. */
function eventNameFor(source: ExposureSource, value: unknown): EventNames | null {
  const { columns, rollup } = source
  const held = rollup === undefined ? (source.eventName ?? defaultEventName) : rollup.eventName
  const eventName = keyFor('event', source, columns.event === null ? value : (value ?? held), 'eventName')
  if (rollup !== undefined && String(eventName) !== String(held)) {
    throw invalidSpec(
      'eventName',
      eventName,
      `Pass ${JSON.stringify(held)}, or the source without the rollup.`,
      'The source has a rollup of another event.',
    )
  }
  return eventName
}

/**
 * The key for a column that may be absent. A key without its column is refused: otherwise it would be ignored silently.
 */
function keyFor(
  name: 'environment' | 'event',
  { columns }: ExposureSource,
  value: unknown,
  path: string,
): EventNames | null {
  const column: SourceColumn | null = columns[name]
  if (column !== null && value == null) {
    throw invalidSpec(
      path,
      value,
      `Pass it, or columns: { ${name}: null } if the table has no ${name} column.`,
    )
  }
  if (column !== null)
    return name === 'event' ? eventNames(value, path, invalidSpec) : aName(value, path, invalidSpec)
  if (value == null) return null
  throw invalidSpec(
    path,
    value,
    'Leave it out.',
    `The source has no ${name} column, so ${path} has no effect.`,
  )
}
