import type { EventDisposition } from 'first-exposure'
import type { Asked } from './arbitraries/exposure-events.js'
import type { DiagnosedEvent } from './arbitraries/diagnosed-events.js'
import { referenceIdentities } from './reference-model.js'

/** What keeps an event of the experiment from being an exposure, tried one after another; `undefined` for none. */
export function keptOutBy(
  e: DiagnosedEvent,
  asked: Asked,
  filter: (e: DiagnosedEvent) => boolean,
): Exclude<EventDisposition, 'exposure'> | undefined {
  if (e.timestampMs < asked.startMs) return 'before-window'
  if (e.timestampMs >= asked.asOfMs) return 'after-window'
  if (!filter(e)) return 'filtered'
  if (e.variant === null) return 'no-variant'
  if (e.identity === null || e.identity === '') return 'no-identity'
  return undefined
}

export function isOfExperiment(e: DiagnosedEvent, asked: Asked): boolean {
  return e.environment === asked.environment && e.event === asked.event && e.feature === asked.feature
}

/** The ledger that follows, in UTC, by reading the events one after another. */
export function referenceLedger(
  events: readonly DiagnosedEvent[],
  asked: Asked,
  multiVariant: 'quarantine' | 'first-seen',
  {
    filter = () => true,
    latenessMs = 0,
  }: { filter?: (e: DiagnosedEvent) => boolean; latenessMs?: number } = {},
): unknown {
  const scanned = events.filter((e) => isOfExperiment(e, asked))
  const exposures = scanned.filter((e) => keptOutBy(e, asked, filter) === undefined)
  const identities = new Map(referenceIdentities(exposures, asked).map((i) => [i.identity, i]))
  const seen = new Set<string>()
  const classified = scanned.map((e) => {
    const part = keptOutBy(e, asked, filter)
    if (part !== undefined) return { part, variant: e.variant }
    const identity = identities.get(e.identity ?? '')
    if (identity?.multiVariant === true && multiVariant === 'quarantine')
      return { part: 'quarantined', variant: null }
    const repeated = seen.has(e.identity ?? '')
    seen.add(e.identity ?? '')
    return { part: repeated ? 'duplicate' : 'first-exposure', variant: identity?.firstVariant ?? null }
  })
  const byVariant = (keys: readonly (string | null)[]): Record<string, number> => {
    const counts = new Map<string, number>()
    for (const key of keys) if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1)
    return Object.fromEntries(counts)
  }
  const names = ['no-timestamp', 'before-window', 'after-window', 'filtered', 'no-variant', 'no-identity']
  const excluded = [...identities.values()].filter(
    (i) => i.multiVariant && multiVariant === 'quarantine',
  ).length

  const widthMs = asked.asOfMs - asked.startMs <= 72 * 3_600_000 ? 3_600_000 : 86_400_000
  const bucketEnd = (ms: number): number => (Math.floor(ms / widthMs) + 1) * widthMs
  const seconds = exposures.map((e) => Math.floor((e.arrivalMs - e.timestampMs) / 1000)).sort((a, b) => a - b)
  // The least that so many are no more than: the nearest rank.
  const quantile = (level: number): number | null => seconds[Math.ceil(level * seconds.length) - 1] ?? null
  return {
    scanned: scanned.length,
    parts: [...names, 'first-exposure', 'duplicate', 'quarantined'].map((part) => {
      const own = classified.filter((each) => each.part === part)
      return { part, events: own.length, byVariant: byVariant(own.map(({ variant }) => variant)) }
    }),
    countedIdentities: identities.size - excluded,
    excludedIdentities: excluded,
    exposuresByVariant: byVariant(exposures.map(({ variant }) => variant)),
    unconfigured: null,
    lateness: {
      events: exposures.length,
      lateEvents: exposures.filter((e) => e.arrivalMs - latenessMs >= bucketEnd(e.timestampMs)).length,
      p50Seconds: quantile(0.5),
      p90Seconds: quantile(0.9),
      p99Seconds: quantile(0.99),
      maxSeconds: quantile(1),
    },
    aliases: null,
  }
}
