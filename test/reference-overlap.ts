import type { Overlap } from 'first-exposure'
import type { Asked, ExposureEvent } from './arbitraries/exposure-events.js'
import { referenceIdentities } from './reference-model.js'

/** The variant that each identity of an experiment counts in; `null` if it is quarantined. */
export function referenceVariants(
  events: readonly ExposureEvent[],
  asked: Asked,
  multiVariant: string,
): ReadonlyMap<string, string | null> {
  return new Map(
    referenceIdentities(events, asked).map((each) => [
      each.identity,
      each.multiVariant && multiVariant === 'quarantine' ? null : each.firstVariant,
    ]),
  )
}

/** The overlap of two experiments, by looking up every identity of one in the other. */
export function referenceOverlap(
  one: ReadonlyMap<string, string | null>,
  other: ReadonlyMap<string, string | null>,
): Overlap {
  const shared = [...one.keys()].filter((identity) => other.has(identity))
  const keys = [...new Set(shared.map((who) => JSON.stringify([one.get(who), other.get(who)])))]
  const pairs = keys.map((key) => {
    const [oneVariant, otherVariant] = JSON.parse(key) as [string | null, string | null]
    const own = shared.filter((who) => one.get(who) === oneVariant && other.get(who) === otherVariant)
    return { oneVariant, otherVariant, identities: own.length }
  })
  const restOf = (
    all: ReadonlyMap<string, string | null>,
    without: ReadonlyMap<string, string | null>,
  ): Overlap['onlyInOne'] => {
    const left = [...all].filter(([who]) => !without.has(who)).map(([, variant]) => variant)
    const counted = left.filter((variant) => variant !== null)
    const variants = [...new Set(counted)].map((key): [string, number] => [
      key,
      counted.filter((variant) => variant === key).length,
    ])
    return {
      identities: left.length,
      quarantined: left.length - counted.length,
      variants: Object.fromEntries(variants),
    }
  }
  return {
    identities: shared.length,
    pairs: pairs.sort(
      (a, b) => lastIfNull(a.oneVariant, b.oneVariant) || lastIfNull(a.otherVariant, b.otherVariant),
    ),
    onlyInOne: restOf(one, other),
    onlyInOther: restOf(other, one),
  }
}

function lastIfNull(a: string | null, b: string | null): number {
  if (a === b) return 0
  return b === null || (a !== null && a < b) ? -1 : 1
}
