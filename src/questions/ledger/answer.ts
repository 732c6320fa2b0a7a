import type { EventDisposition } from '../../scan/event-disposition.js'
import { ExposureError, invalidSpec, received } from '../../errors.js'
import { deepFreeze } from '../../freeze.js'
import { aliasEntries, decodeExposureLedgerRows, type AliasEntry, type LedgerRow } from './rows.js'
import { withFields } from '../../checks.js'

/**
 * What became of an event: the reason why it is not an exposure, or the kind of exposure that it was. Every event of
 * the experiment is in exactly one part, the first in this order that applies to it:
 *
 * | part | the event |
 * |---|---|
 * | `no-timestamp` | its timestamp is NULL |
 * | `before-window`, `after-window` | is before the window's start; is at or after its `asOf` |
 * | `filtered` | does not pass the spec's filters |
 * | `no-variant` | its variant is NULL |
 * | `no-identity` | its identity is NULL or empty |
 * | `first-exposure` | one event for each counted identity |
 * | `duplicate` | any further exposure of a counted identity; under `first-seen` also an exposure to another variant |
 * | `quarantined` | an exposure of a quarantined identity |
 */
export type LedgerPartName =
  Exclude<EventDisposition, 'exposure'> | 'first-exposure' | 'duplicate' | 'quarantined'

/** The events of one part. */
export interface LedgerPart {
  readonly part: LedgerPartName
  readonly events: number
  /**
   * The events that have a variant, by its key. Every count is above 0. For `first-exposure` and `duplicate`, it is the
   * variant that the identity counts in. Empty for `quarantined`, whose identities have several variants.
   */
  readonly byVariant: Readonly<Record<string, number>>
}

/** How long after their timestamps the exposures arrived. */
export interface LedgerLateness {
  /** The exposures whose arrival time is known. */
  readonly events: number
  /** The exposures among them that arrived `latenessMs` of the query or more after the end of their bucket. */
  readonly lateEvents: number
  /**
   * Half of these exposures arrived within this time, in whole seconds, rounded down. Negative if a clock was ahead.
   * `null` if there are no such exposures.
   */
  readonly p50Seconds: number | null
  readonly p90Seconds: number | null
  readonly p99Seconds: number | null
  readonly maxSeconds: number | null
}

/** What the aliases of the spec did to the identifiers that were exposed in the window. */
export interface LedgerAliases {
  /** The identifiers that were resolved to another one. */
  readonly joinedIdentifiers: number
  /** The identifiers whose alias was not applied, because it has several different targets. */
  readonly ambiguousIdentifiers: number
  /** The joined identifiers whose target is itself an alias of another one. Only the first step was taken. */
  readonly chainedIdentifiers: number
  /** The excluded identities of which no identifier alone was exposed to more than one variant. */
  readonly quarantinedByJoining: number
}

/**
 * Where every event of the experiment went. Plain data, deeply frozen. `JSON.parse(JSON.stringify(ledger))` equals it.
 */
export interface ExposureLedger {
  /** The events of the experiment, at any time. It is the sum of the parts. */
  readonly scanned: number
  /** All parts, including empty ones, in the order in which an event is checked against them. */
  readonly parts: readonly LedgerPart[]
  /** The same number as in the summary. For each variant, it equals the events of the part `first-exposure`. */
  readonly countedIdentities: number
  /** The same number as in the summary. */
  readonly excludedIdentities: number
  /** The exposures by their own variant, for every identity: the last three parts, counted again. */
  readonly exposuresByVariant: Readonly<Record<string, number>>
  /**
   * The variants in `exposuresByVariant` that are not configured, by key, and the identities counted in them. They
   * count in the summary like any other, so this is not a part. `null` if the configured variants were not given.
   */
  readonly unconfigured: Readonly<
    Record<string, { readonly events: number; readonly identities: number }>
  > | null
  /** `null` if the source has no arrival column. */
  readonly lateness: LedgerLateness | null
  /** `null` if the spec has no aliases. */
  readonly aliases: LedgerAliases | null
}

/**
 * Where did the events go? Reduces the rows of `exposureLedgerQuery` to the ledger.
 *
 * @param rows - the parsed rows of the answer
 * @param options.variants - the keys of the configured variants, so that the ledger can report the others; default: not
 *   known
 * @returns the frozen ledger; the events of its parts always add up to `scanned`
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column; `invalid-spec` if `variants` is not a
 *   list of keys
 *
 * @example
 * ```ts
 * import { summarizeExposureLedger } from 'first-exposure'
 *
 * const row = { variant: 'control', identities: 0, lateness_seconds: [] }
 * const ledger = summarizeExposureLedger([
 *   { ...row, entry: 'before-window', events: 2 },
 *   { ...row, entry: 'exposure', events: 10 },
 *   { ...row, entry: 'counted', events: 10, identities: 7 },
 * ])
 * ledger.scanned // => 12
 * ledger.countedIdentities // => 7
 * ledger.parts.filter(({ events }) => events > 0)
 * // => [
 * //   { part: 'before-window', events: 2, byVariant: { control: 2 } },
 * //   { part: 'first-exposure', events: 7, byVariant: { control: 7 } },
 * //   { part: 'duplicate', events: 3, byVariant: { control: 3 } },
 * // ]
 * ```
 */
export function summarizeExposureLedger(
  rows: readonly unknown[],
  options: { readonly variants?: readonly string[] } = {},
): ExposureLedger {
  withFields(options, ['variants'], 'options', invalidSpec)
  const { variants } = options
  if (
    variants !== undefined &&
    !(Array.isArray(variants) && variants.every((key) => typeof key === 'string'))
  ) {
    throw invalidSpec('variants', variants, 'Pass the keys of the variants that are configured.')
  }
  const decoded = decodeExposureLedgerRows(rows)
  const of = (entry: LedgerRow['entry']): readonly LedgerRow[] => decoded.filter((row) => row.entry === entry)
  const counted = of('counted')
  const kept = (name: Exclude<LedgerPartName, 'first-exposure' | 'duplicate'>): LedgerPart =>
    part(name, of(name))

  const parts = [
    kept('no-timestamp'),
    kept('before-window'),
    kept('after-window'),
    kept('filtered'),
    kept('no-variant'),
    kept('no-identity'),
    part(
      'first-exposure',
      counted.map((row) => ({ ...row, events: row.identities })),
    ),
    part(
      'duplicate',
      counted.map((row) => ({ ...row, events: row.events - row.identities })),
    ),
    kept('quarantined'),
  ]
  const exposuresByVariant = byVariant(of('exposure'))
  return deepFreeze({
    scanned: sum(parts.map(({ events }) => events)),
    parts,
    countedIdentities: sum(counted.map(({ identities }) => identities)),
    excludedIdentities: sum(of('quarantined').map(({ identities }) => identities)),
    exposuresByVariant,
    unconfigured: variants === undefined ? null : unconfigured(exposuresByVariant, counted, variants),
    lateness: lateness(of('arrived')[0], of('arrived-late')[0]),
    aliases: aliases(of),
  })
}

type Events = Pick<LedgerRow, 'variant' | 'events'>

function part(name: LedgerPartName, rows: readonly Events[]): LedgerPart {
  return {
    part: name,
    events: sum(rows.map(({ events }) => events)),
    byVariant: byVariant(rows),
  }
}

function byVariant(rows: readonly Events[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    rows
      .flatMap(({ variant, events }) =>
        variant === null || events === 0 ? [] : [[variant, events] as const],
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function unconfigured(
  exposures: Readonly<Record<string, number>>,
  counted: readonly LedgerRow[],
  variants: readonly string[],
): ExposureLedger['unconfigured'] {
  const configured = new Set(variants)
  const identities = new Map(counted.map((row) => [row.variant, row.identities]))
  return Object.fromEntries(
    Object.entries(exposures)
      .filter(([variant]) => !configured.has(variant))
      .map(([variant, events]) => [variant, { events, identities: identities.get(variant) ?? 0 }]),
  )
}

function aliases(of: (entry: AliasEntry) => readonly LedgerRow[]): LedgerAliases | null {
  if (aliasEntries.every((entry) => of(entry).length === 0)) return null
  const count = (entry: AliasEntry): number => sum(of(entry).map(({ identities }) => identities))
  return {
    joinedIdentifiers: count('joined'),
    ambiguousIdentifiers: count('ambiguous'),
    chainedIdentifiers: count('chained'),
    quarantinedByJoining: count('quarantined-by-joining'),
  }
}

function lateness(arrived: LedgerRow | undefined, late: LedgerRow | undefined): LedgerLateness | null {
  if (arrived === undefined) return null
  const { events, latenessSeconds } = arrived
  const [p50Seconds = null, p90Seconds = null, p99Seconds = null, maxSeconds = null] =
    events === 0 ? [] : latenessSeconds
  return {
    events,
    lateEvents: late?.events ?? 0,
    p50Seconds,
    p90Seconds,
    p99Seconds,
    maxSeconds,
  }
}

function sum(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0)
  if (!Number.isSafeInteger(total)) {
    throw new ExposureError('malformed-rows', `The sum ${received(total)} of the events is past 2^53 - 1.`)
  }
  return total
}

/** @deprecated Use {@link summarizeExposureLedger}. */
export const summarizeLedger: typeof summarizeExposureLedger = summarizeExposureLedger
