import type { ExposureLedger, LedgerPartName } from 'first-exposure'
import { count, counted, duration, share, variantLabel } from './format.js'

/** One line of the way from scanned to counted. */
export interface LedgerLine {
  /** `total`: what there is at this point; `less`: what is taken from it. */
  readonly kind: 'total' | 'less'
  readonly label: string
  readonly events: number
  /** Those of them that have a variant, by its key; `null` where the ledger does not tell them apart. */
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
  quarantined: 'of the quarantined',
  'first-exposure': 'first exposures',
}
const fromExposures: readonly LedgerPartName[] = ['duplicate', 'quarantined']

/** The ledger as a way down: what was scanned, what fell away at each step, and what was left. */
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

/** That the parts add up, for a reader to check: every part that is not empty, and their sum. */
export function ledgerSum({ scanned, parts }: ExposureLedger): string {
  const terms = parts
    .filter(({ events }) => events > 0)
    .toReversed()
    .map(({ part, events }) => `${count(events)} ${labels[part]}`)
  return `${count(scanned)} scanned = ${terms.length === 0 ? '0' : terms.join(' + ')}.`
}

/** What the lines do not say: the identities, the variants that nobody configured, and how late events came. */
export function ledgerSentences(ledger: ExposureLedger): readonly string[] {
  const { countedIdentities, excludedIdentities, unconfigured, lateness } = ledger
  const strays = Object.entries(unconfigured ?? {})
  return [
    `${counted(countedIdentities, 'identity is', 'identities are')} counted, each with its first exposure; ` +
      `${counted(excludedIdentities, 'is', 'are')} quarantined.`,
    ...(unconfigured === null
      ? []
      : strays.length === 0
        ? ['Every variant that was seen is configured.']
        : [
            `Not configured: ${listed(
              strays.map(
                ([key, { events, identities }]) =>
                  `${variantLabel(key)} with ${exposures(events)} and ${counted(identities, 'identity', 'identities')} counted`,
              ),
            )}.`,
          ]),
    ...(lateness === null
      ? ['No arrival column is known, so nothing can be said of lateness.']
      : late(lateness)),
  ]
}

function late(lateness: NonNullable<ExposureLedger['lateness']>): readonly string[] {
  const { events, lateEvents, p50Seconds, p90Seconds, p99Seconds, maxSeconds } = lateness
  if (p50Seconds === null || p90Seconds === null || p99Seconds === null || maxSeconds === null) {
    return ['No exposure says when it arrived.']
  }
  const within = (seconds: number): string => (seconds < 1 ? 'a second' : duration(seconds * 1000))
  return [
    `Of ${exposures(events)} whose arrival is known, half arrived within ${within(p50Seconds)}, 90% within ` +
      `${within(p90Seconds)}, 99% within ${within(p99Seconds)}, the last after ${within(maxSeconds)}.`,
    `${count(lateEvents)} of them (${share(lateEvents, events)}) arrived when their bucket had closed.`,
  ]
}

function exposures(events: number): string {
  return counted(events, 'exposure', 'exposures')
}

function listed(items: readonly string[]): string {
  return items.slice(0, 5).join('; ') + (items.length > 5 ? `; and ${count(items.length - 5)} more` : '')
}
