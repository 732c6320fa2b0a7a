import type { EventDisposition, IdentityVerdict } from 'first-exposure'
import type { DiagnosedEvent } from './arbitraries/diagnosed-events.js'
import type { Asked } from './arbitraries/exposure-events.js'
import { isOfExperiment, keptOutBy } from './reference-ledger.js'

interface ToldEvent {
  readonly at: number
  readonly variant: string | null
  readonly disposition: EventDisposition
}

/** An identity's events of the experiment, in the order of time and, at one instant, of their keys' bytes. */
export function referenceStory(
  events: readonly DiagnosedEvent[],
  asked: Asked,
  identity: string,
  filter: (e: DiagnosedEvent) => boolean,
): readonly ToldEvent[] {
  const bytes = (text: string | null): Buffer => Buffer.from(text ?? '')
  return events
    .filter((e) => isOfExperiment(e, asked) && e.identity === identity)
    .map((e) => ({
      at: e.timestampMs,
      variant: e.variant,
      disposition: keptOutBy(e, asked, filter) ?? ('exposure' as const),
    }))
    .sort(
      (a, b) =>
        a.at - b.at ||
        // ClickHouse puts NULL last.
        Number(a.variant === null) - Number(b.variant === null) ||
        Buffer.compare(bytes(a.variant), bytes(b.variant)) ||
        Buffer.compare(bytes(a.disposition), bytes(b.disposition)),
    )
}

/** What became of an identity, by reading its story from the start. */
export function referenceVerdict(
  story: readonly ToldEvent[],
  multiVariant: 'quarantine' | 'first-seen',
): IdentityVerdict {
  const exposures = story.filter(({ disposition }) => disposition === 'exposure')
  const [first] = exposures
  if (first === undefined) {
    const nearest = (
      ['no-identity', 'no-variant', 'filtered', 'after-window', 'before-window'] as const
    ).find((reason) => story.some(({ disposition }) => disposition === reason))
    return { type: 'never-counted', because: nearest ?? 'no-events' }
  }
  const { variant, at } = first
  const next = exposures.find((e) => e.variant !== variant)
  return next === undefined || multiVariant === 'first-seen'
    ? { type: 'counted', variant: variant ?? '', at }
    : { type: 'quarantined', variant: variant ?? '', at, by: next.variant ?? '', byAt: next.at }
}
