import type { ExposureEvent } from './arbitraries/exposure-events.js'

/** One identity as the words of the contract have it: its first exposure, and whether it saw more than one variant. */
export interface ReferenceIdentity {
  readonly identity: string
  readonly firstMs: number
  readonly firstVariant: string
  readonly multiVariant: boolean
}

/** Who entered: every identity exposed inside [startMs, asOfMs), by reading the events one after another. */
export function referenceIdentities(
  events: readonly ExposureEvent[],
  asked: { environment: string; event: string; feature: string; startMs: number; asOfMs: number },
): readonly ReferenceIdentity[] {
  const byIdentity = new Map<string, ExposureEvent[]>()
  for (const e of events) {
    if (e.environment !== asked.environment || e.event !== asked.event || e.feature !== asked.feature)
      continue
    if (e.timestampMs < asked.startMs || e.timestampMs >= asked.asOfMs) continue
    if (e.identity === null || e.identity === '' || e.variant === null) continue
    byIdentity.set(e.identity, [...(byIdentity.get(e.identity) ?? []), e])
  }
  return [...byIdentity].map(([identity, own]) => {
    const firstMs = Math.min(...own.map((e) => e.timestampMs))
    const variants = own.map((e) => Buffer.from(e.variant ?? ''))
    const firstVariants = own
      .filter((e) => e.timestampMs === firstMs)
      .map((e) => Buffer.from(e.variant ?? ''))
    return {
      identity,
      firstMs,
      firstVariant: firstVariants.sort((a, b) => Buffer.compare(a, b))[0]?.toString() ?? '',
      multiVariant: variants.some((v) => !v.equals(variants[0] ?? v)),
    }
  })
}

/** The summary that follows, in UTC. */
export function referenceSummary(
  events: readonly ExposureEvent[],
  asked: Parameters<typeof referenceIdentities>[1],
  multiVariant: 'quarantine' | 'first-seen',
): unknown {
  const identities = referenceIdentities(events, asked)
  const counted = identities.filter((i) => multiVariant === 'first-seen' || !i.multiVariant)
  const widthMs = asked.asOfMs - asked.startMs <= 72 * 3_600_000 ? 3_600_000 : 86_400_000
  const bucketOf = (ms: number): string => new Date(ms - (ms % widthMs)).toISOString()
  const buckets = [...new Set(counted.map((i) => bucketOf(i.firstMs)))].sort()
  return {
    excludedIdentities: identities.length - counted.length,
    timeseries: {
      granularity: widthMs === 3_600_000 ? 'hour' : 'day',
      timeZone: 'UTC',
      points: buckets.map((bucket) => {
        const entrants = counted.filter((i) => bucketOf(i.firstMs) === bucket)
        const variants = [...new Set(entrants.map((i) => i.firstVariant))]
        return {
          bucket,
          newIdentities: Object.fromEntries(
            variants.map((v) => [v, entrants.filter((i) => i.firstVariant === v).length]),
          ),
        }
      }),
    },
  }
}
