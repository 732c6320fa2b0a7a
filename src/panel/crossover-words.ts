import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { SampleRatioResult } from '../statistics/sample-ratio.js'
import type { CrossoversAnswer } from './crossovers-answer.js'
import type { PanelWords } from './panel-words.js'
import { chance, type VerdictWords } from './split-words.js'

/** Does crossing over fall evenly on the variants, and was the split right before it? In words. */
export function crossoversInWords(
  { crossoverBias, assignedRatio }: Pick<CrossoversAnswer, 'crossoverBias' | 'assignedRatio'>,
  multiVariant: MultiVariantPolicy,
  words: PanelWords,
): VerdictWords {
  const { say } = words
  const { status, reason = '', pValue } = crossoverBias
  const quarantines = multiVariant === 'quarantine'
  const unevenly = say('chanceOfUnevenness', { chance: chance(pValue ?? 1, words) })
  // Where nobody is excluded, no exclusion can have bent the split.
  const assigned = quarantines ? assignedInWords(assignedRatio, words) : []
  switch (status) {
    case 'consistent':
      return {
        tone: 'good',
        headline: say(quarantines ? 'quarantineEvenly' : 'crossoversEvenly'),
        sentences: [unevenly, ...assigned],
      }
    case 'mismatch':
      return {
        tone: 'bad',
        headline: say(quarantines ? 'quarantineUnevenly' : 'crossoversUnevenly'),
        sentences: [unevenly, say(quarantines ? 'quarantineBiased' : 'crossoversBiased'), ...assigned],
      }
    case 'not-enough-traffic':
    case 'not-computable':
      break
  }
  return {
    tone: 'neutral',
    headline: say(status === 'not-enough-traffic' ? 'crossoversTooFew' : 'crossoversUnknown'),
    sentences: [say('crossoversReason', { reason }), ...assigned],
  }
}

/** Whose fault a mismatch is: the assignment's, or the exclusion's. */
function assignedInWords(assigned: SampleRatioResult | null, { say }: PanelWords): readonly string[] {
  if (assigned?.status === 'mismatch') return [say('assignedMismatch')]
  return assigned?.status === 'consistent' ? [say('assignedConsistent')] : []
}

/** How many crossed over, and when most of them did; a bucket is named by `labelOf` its start. */
export function crossedInWords(
  { identities, granularity, peak }: Pick<CrossoversAnswer, 'identities' | 'granularity' | 'peak'>,
  seen: number,
  labelOf: (bucket: string) => string,
  { say, share }: PanelWords,
): string {
  if (identities === 0 || peak === null) return say('nobodyCrossed')
  return say(granularity === 'hour' ? 'crossedByHour' : 'crossedByDay', {
    count: identities,
    seen: say('identityCount', { count: seen }),
    share: share(identities, seen),
    bucket: labelOf(peak.bucket),
    peak: peak.identities,
  })
}

/** The median time between the first exposure and the one to another variant, in plain units. */
export function medianInWords(medianMs: number, { say, duration }: PanelWords): string {
  return medianMs === 0 ? say('noTime') : duration(medianMs)
}
