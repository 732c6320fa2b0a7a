import type { Asked, ExposureEvent } from './arbitraries/exposure-events.js'

/** One identity as the words of the contract have it: its first exposure, and whether it saw more than one variant. */
export interface ReferenceIdentity {
  readonly identity: string
  readonly firstMs: number
  readonly firstVariant: string
  readonly multiVariant: boolean
}

type AskedOf = Pick<Asked, 'environment' | 'event' | 'feature' | 'startMs' | 'asOfMs'>

/** The exposures inside [startMs, asOfMs), identity by identity, by reading the events one after another. */
export function exposuresByIdentity<Event extends ExposureEvent>(
  events: readonly Event[],
  asked: AskedOf,
): ReadonlyMap<string, readonly Event[]> {
  const byIdentity = new Map<string, Event[]>()
  for (const e of events) {
    if (e.environment !== asked.environment || e.event !== asked.event || e.feature !== asked.feature)
      continue
    if (e.timestampMs < asked.startMs || e.timestampMs >= asked.asOfMs) continue
    if (e.identity === null || e.identity === '' || e.variant === null) continue
    byIdentity.set(e.identity, [...(byIdentity.get(e.identity) ?? []), e])
  }
  return byIdentity
}

/** Who entered: every identity exposed inside the window. */
export function referenceIdentities(
  events: readonly ExposureEvent[],
  asked: AskedOf,
): readonly ReferenceIdentity[] {
  return [...exposuresByIdentity(events, asked)].map(([identity, own]) => {
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
  asked: AskedOf,
  multiVariant: 'quarantine' | 'first-seen',
): unknown {
  const identities = referenceIdentities(events, asked)
  const counted = identities.filter((i) => multiVariant === 'first-seen' || !i.multiVariant)
  const { granularity, bucketOf } = bucketsOf(asked)
  const buckets = [...new Set(counted.map((i) => bucketOf(i.firstMs)))].sort()
  return {
    excludedIdentities: identities.length - counted.length,
    timeseries: {
      granularity,
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

function bucketsOf({ startMs, asOfMs }: AskedOf): {
  granularity: 'hour' | 'day'
  bucketOf: (ms: number) => string
} {
  const granularity = asOfMs - startMs <= 72 * 3_600_000 ? 'hour' : 'day'
  const widthMs = granularity === 'hour' ? 3_600_000 : 86_400_000
  return { granularity, bucketOf: (ms) => new Date(ms - (ms % widthMs)).toISOString() }
}

/** Strings in the order of their bytes. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The crossovers that follow, in UTC: of each identity, its first exposure and its first to another variant. */
export function referenceCrossovers(events: readonly ExposureEvent[], asked: AskedOf): unknown {
  const { granularity, bucketOf } = bucketsOf(asked)
  const crossed = [...exposuresByIdentity(events, asked).values()].flatMap((own) => {
    const inOrder = own.toSorted(
      (a, b) => a.timestampMs - b.timestampMs || byBytes(a.variant ?? '', b.variant ?? ''),
    )
    const first = inOrder[0]
    const next = inOrder.find((e) => e.variant !== first?.variant)
    if (first === undefined || next === undefined) return []
    const ms = next.timestampMs - first.timestampMs
    return [{ first: first.variant ?? '', next: next.variant ?? '', ms, bucket: bucketOf(next.timestampMs) }]
  })
  const pointsOf = (some: typeof crossed): unknown =>
    [...new Set(some.map((c) => c.bucket))]
      .sort()
      .map((bucket) => ({ bucket, identities: some.filter((c) => c.bucket === bucket).length }))
  const pairs = [...new Set(crossed.map((c) => JSON.stringify([c.first, c.next])))].map((pair) => {
    const [firstVariant, nextVariant] = JSON.parse(pair) as [string, string]
    const own = crossed.filter((c) => c.first === firstVariant && c.next === nextVariant)
    const sorted = own.map((c) => c.ms).sort((a, b) => a - b)
    const middle = (sorted.length - 1) / 2
    const medianMs = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
    return { firstVariant, nextVariant, identities: own.length, medianMs, points: pointsOf(own) }
  })
  const keyed = (p: (typeof pairs)[number]): [string, string] => [p.firstVariant, p.nextVariant]
  const firsts = [...new Set(crossed.map((c) => c.first))]
  return {
    identities: crossed.length,
    pairs: pairs.sort((a, b) => b.identities - a.identities || byUnits(keyed(a), keyed(b))),
    firstVariants: Object.fromEntries(firsts.map((f) => [f, crossed.filter((c) => c.first === f).length])),
    timeseries: { granularity, timeZone: 'UTC', points: pointsOf(crossed) },
  }
}

function byUnits(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((key, i) => key !== b[i])
  return at < 0 ? 0 : (a[at] ?? '') < (b[at] ?? '') ? -1 : 1
}
