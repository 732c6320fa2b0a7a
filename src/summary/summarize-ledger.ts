import { ExposureError, received } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { decodeLedgerRows, type LedgerRow } from '../rows/decode-ledger-rows.js'
import { assertOptions } from '../spec/assert-options.js'
import { invalidSpec } from '../spec/invalid-spec.js'
import type { ExposureLedger, LedgerLateness, LedgerPart, LedgerPartName } from './exposure-ledger.js'

/**
 * Where did the events go? Reduces the rows of `exposureLedgerQuery` to the ledger.
 *
 * @param rows - the parsed rows of the answer
 * @param options.variants - the keys of the variants that are configured, to have the others pointed out; default:
 *   not known
 * @returns the frozen ledger; the events of its parts always add up to `scanned`
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column; `invalid-spec` where `variants` is no
 *   list of keys
 *
 * @example
 * ```ts
 * import { summarizeLedger } from 'first-exposure'
 *
 * const row = { variant: 'control', identities: 0, lateness_seconds: [] }
 * const ledger = summarizeLedger([
 *   { ...row, disposition: 'before-window', events: 2 },
 *   { ...row, disposition: 'exposure', events: 10 },
 *   { ...row, disposition: 'counted', events: 10, identities: 7 },
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
export function summarizeLedger(
  rows: readonly unknown[],
  options: { readonly variants?: readonly string[] } = {},
): ExposureLedger {
  assertOptions(options, ['variants'], 'options')
  const { variants } = options
  if (
    variants !== undefined &&
    !(Array.isArray(variants) && variants.every((key) => typeof key === 'string'))
  ) {
    throw invalidSpec('variants', variants, 'Pass the keys of the variants that are configured.')
  }
  const decoded = decodeLedgerRows(rows)
  const of = (disposition: LedgerRow['disposition']): readonly LedgerRow[] =>
    decoded.filter((row) => row.disposition === disposition)
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
  })
}

type Events = Pick<LedgerRow, 'variant' | 'events'>

function part(name: LedgerPartName, rows: readonly Events[]): LedgerPart {
  return { part: name, events: sum(rows.map(({ events }) => events)), byVariant: byVariant(rows) }
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

function lateness(arrived: LedgerRow | undefined, late: LedgerRow | undefined): LedgerLateness | null {
  if (arrived === undefined) return null
  const { events, latenessSeconds } = arrived
  const [p50Seconds = null, p90Seconds = null, p99Seconds = null, maxSeconds = null] =
    events === 0 ? [] : latenessSeconds
  return { events, lateEvents: late?.events ?? 0, p50Seconds, p90Seconds, p99Seconds, maxSeconds }
}

function sum(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0)
  if (!Number.isSafeInteger(total)) {
    throw new ExposureError('malformed-rows', `The sum ${received(total)} of the events is past 2^53 - 1.`)
  }
  return total
}
