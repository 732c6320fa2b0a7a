import type { ExposureLedger, LedgerPartName } from '../questions/ledger/answer.js'
import type { PanelLabels } from './panel-labels.js'
import type { PanelWords } from './panel-words.js'

/** One line between scanned and counted. */
export interface LedgerLine {
  /** `total`: what there is at this point; `less`: what is removed from it. */
  readonly kind: 'total' | 'less'
  readonly label: string
  readonly events: number
  /** As a share of what was scanned. The shares of the parts sum to 100 %, as shown. */
  readonly share: string
  /** Those with a variant, by its key; `null` if the ledger does not separate them. */
  readonly byVariant: Readonly<Record<string, number>> | null
}

const labels: Readonly<Record<LedgerPartName, readonly [line: keyof PanelLabels, term: keyof PanelLabels]>> =
  {
    'no-timestamp': ['noTimestamp', 'termNoTimestamp'],
    'before-window': ['beforeWindow', 'termBeforeWindow'],
    'after-window': ['afterWindow', 'termAfterWindow'],
    filtered: ['filtered', 'termFiltered'],
    'no-variant': ['noVariant', 'termNoVariant'],
    'no-identity': ['noIdentity', 'termNoIdentity'],
    duplicate: ['duplicates', 'termDuplicates'],
    quarantined: ['quarantined', 'termQuarantined'],
    'first-exposure': ['firstExposures', 'termFirstExposures'],
  }
const fromExposures: ReadonlySet<LedgerPartName> = /* @__PURE__ */ new Set([
  'duplicate',
  'quarantined',
  'first-exposure',
])

/** The ledger step by step: what was scanned, what was removed at each step, and what is left. */
export function ledgerLines(
  { scanned, parts, exposuresByVariant }: ExposureLedger,
  { say, shares }: PanelWords,
): readonly LedgerLine[] {
  const isExposure = ({ part }: { readonly part: LedgerPartName }): boolean => fromExposures.has(part)
  const shown = shares(
    parts.map(({ events }) => events),
    [...parts.keys()],
    parts.flatMap((part, place) => (isExposure(part) ? [place] : [])),
  )
  const line = (name: LedgerPartName, kind: LedgerLine['kind']): LedgerLine => {
    const place = parts.findIndex(({ part }) => part === name)
    const { events = 0, byVariant = {} } = parts[place] ?? {}
    return {
      kind,
      label: say(labels[name][0]),
      events,
      share: shown[place] ?? say('noFigure'),
      byVariant: name === 'quarantined' ? null : byVariant,
    }
  }
  const [scannedShare = '', exposuresShare = ''] = shown.slice(parts.length)
  return [
    { kind: 'total', label: say('scanned'), events: scanned, share: scannedShare, byVariant: null },
    ...parts.filter((part) => !isExposure(part)).map(({ part }) => line(part, 'less')),
    {
      kind: 'total',
      label: say('exposures'),
      events: parts.filter(isExposure).reduce((sum, { events }) => sum + events, 0),
      share: exposuresShare,
      byVariant: exposuresByVariant,
    },
    line('duplicate', 'less'),
    line('quarantined', 'less'),
    line('first-exposure', 'total'),
  ]
}

/** The sum of the parts, for a reader to check; empty parts are left out. */
export function ledgerSum({ scanned, parts }: ExposureLedger, { say, count }: PanelWords): string {
  const terms = parts
    .filter(({ events }) => events > 0)
    .toReversed()
    .map(({ part, events }) => say(labels[part][1], { number: count(events) }))
  return say('ledgerSum', {
    scanned: count(scanned),
    terms: terms.length === 0 ? count(0) : terms.join(' + '),
  })
}

/** What the lines do not say: identities, variants that nobody configured, and how late events arrived. */
export function ledgerSentences(ledger: ExposureLedger, words: PanelWords): readonly string[] {
  const { say } = words
  const { countedIdentities, excludedIdentities, unconfigured, lateness, aliases } = ledger
  const strays = Object.entries(unconfigured ?? {})
  return [
    say('ledgerCounted', { count: countedIdentities }),
    say('ledgerExcluded', { count: excludedIdentities }),
    ...(aliases === null
      ? []
      : [
          say('ledgerJoined', { count: aliases.joinedIdentifiers }),
          say('ledgerAmbiguous', { count: aliases.ambiguousIdentifiers }),
          say('ledgerChained', { count: aliases.chainedIdentifiers }),
          say('ledgerQuarantinedByJoining', { count: aliases.quarantinedByJoining }),
        ]),
    ...(unconfigured === null
      ? []
      : strays.length === 0
        ? [say('allConfigured')]
        : [say('notConfiguredList', { list: strayList(strays, words) })]),
    ...(lateness === null ? [say('noArrivalColumn')] : late(lateness, words)),
  ]
}

function strayList(
  strays: readonly (readonly [string, { readonly events: number; readonly identities: number }])[],
  { say, name }: PanelWords,
): string {
  const list = strays
    .slice(0, 5)
    .map(([key, { events, identities }]) =>
      say('notConfiguredItem', {
        variant: name(key),
        exposures: say('exposureCount', { count: events }),
        identities: say('identityCount', { count: identities }),
      }),
    )
    .join('; ')
  return strays.length > 5 ? say('listAndMore', { list, count: strays.length - 5 }) : list
}

function late(
  lateness: NonNullable<ExposureLedger['lateness']>,
  { say, share, duration }: PanelWords,
): readonly string[] {
  const { events, lateEvents, p50Seconds, p90Seconds, p99Seconds, maxSeconds } = lateness
  if (p50Seconds === null || p90Seconds === null || p99Seconds === null || maxSeconds === null) {
    return [say('noArrivalTime')]
  }
  const within = (seconds: number): string => (seconds < 1 ? say('aSecond') : duration(seconds * 1000))
  return [
    say('lateness', {
      exposures: say('exposureCount', { count: events }),
      p50: within(p50Seconds),
      p90: within(p90Seconds),
      p99: within(p99Seconds),
      max: within(maxSeconds),
    }),
    say('lateEvents', { count: lateEvents, share: share(lateEvents, events) }),
  ]
}
