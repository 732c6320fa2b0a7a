import type { ExposureLedger, LedgerPartName } from 'first-exposure'
import { count, counted, duration, share, variantLabel } from './format.js'

/** One line between scanned and counted. */
export interface LedgerLine {
  /** `total`: what there is at this point; `less`: what is removed from it. */
  readonly kind: 'total' | 'less'
  readonly label: string
  readonly events: number
  /** Those with a variant, by its key; `null` if the ledger does not separate them. */
  readonly byVariant: Readonly<Record<string, number>> | null
}

const labels: Readonly<Record<LedgerPartName, string>> = {
  'no-timestamp': 'without a timestamp',
  'before-window': 'before the window',
  'after-window': 'after the window',
  filtered: 'filtered out',
  'no-variant': 'without a variant',
  'no-identity': 'without an identity',
  duplicate: 'duplicates',
  quarantined: 'quarantined',
  'first-exposure': 'first exposures',
}
const fromExposures: readonly LedgerPartName[] = ['duplicate', 'quarantined']

/** The ledger step by step: what was scanned, what was removed at each step, and what is left. */
export function ledgerLines({ scanned, parts, exposuresByVariant }: ExposureLedger): readonly LedgerLine[] {
  const line = (name: LedgerPartName, kind: LedgerLine['kind']): LedgerLine => {
    const { events = 0, byVariant = {} } = parts.find(({ part }) => part === name) ?? {}
    return { kind, label: labels[name], events, byVariant: name === 'quarantined' ? null : byVariant }
  }
  const less = parts
    .map(({ part }) => part)
    .filter((name) => name !== 'first-exposure' && !fromExposures.includes(name))
    .map((name) => line(name, 'less'))
  const exposures = scanned - less.reduce((sum, { events }) => sum + events, 0)
  return [
    { kind: 'total', label: 'Scanned', events: scanned, byVariant: null },
    ...less,
    { kind: 'total', label: 'Exposures', events: exposures, byVariant: exposuresByVariant },
    ...fromExposures.map((name) => line(name, 'less')),
    { ...line('first-exposure', 'total'), label: 'First exposures' },
  ]
}

/** The sum of the parts, for a reader to check; empty parts are left out. */
export function ledgerSum({ scanned, parts }: ExposureLedger): string {
  const terms = parts
    .filter(({ events }) => events > 0)
    .toReversed()
    .map(({ part, events }) => `${count(events)} ${labels[part]}`)
  return `${count(scanned)} scanned = ${terms.length === 0 ? '0' : terms.join(' + ')}.`
}

/** What the lines do not say: identities, variants that nobody configured, and how late events arrived. */
export function ledgerSentences(ledger: ExposureLedger): readonly string[] {
  const { countedIdentities, excludedIdentities, unconfigured, lateness } = ledger
  const strays = Object.entries(unconfigured ?? {})
  return [
    `${counted(countedIdentities, 'identity is', 'identities are')} counted, each with its first exposure; ` +
      `${counted(excludedIdentities, 'is', 'are')} quarantined.`,
    ...(unconfigured === null
      ? []
      : strays.length === 0
        ? ['All variants seen are configured.']
        : [
            `Not configured: ${listed(
              strays.map(
                ([key, { events, identities }]) =>
                  `${variantLabel(key)} with ${exposures(events)} and ${counted(identities, 'identity', 'identities')} counted`,
              ),
            )}.`,
          ]),
    ...(lateness === null
      ? ['No arrival column is known, so this cannot say how late events arrived.']
      : late(lateness)),
  ]
}

function late(lateness: NonNullable<ExposureLedger['lateness']>): readonly string[] {
  const { events, lateEvents, p50Seconds, p90Seconds, p99Seconds, maxSeconds } = lateness
  if (p50Seconds === null || p90Seconds === null || p99Seconds === null || maxSeconds === null) {
    return ['No exposure has an arrival time.']
  }
  const within = (seconds: number): string => (seconds < 1 ? 'a second' : duration(seconds * 1000))
  return [
    `Of ${exposures(events)} whose arrival is known, half arrived within ${within(p50Seconds)}, 90% within ` +
      `${within(p90Seconds)}, 99% within ${within(p99Seconds)}, the last after ${within(maxSeconds)}.`,
    `${count(lateEvents)} of them (${share(lateEvents, events)}) arrived after the end of their bucket.`,
  ]
}

function exposures(events: number): string {
  return counted(events, 'exposure', 'exposures')
}

function listed(items: readonly string[]): string {
  return items.slice(0, 5).join('; ') + (items.length > 5 ? `; and ${count(items.length - 5)} more` : '')
}
