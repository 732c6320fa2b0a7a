import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { ExcludedRatioResult } from '../statistics/excluded-ratio.js'
import type { ExposureHealthResult } from '../statistics/exposure-health.js'
import type { SampleRatioResult } from '../statistics/sample-ratio.js'
import type { ExposuresVerdicts } from './exposures-verdicts.js'
import type { PanelWords } from './panel-words.js'

/**
 * How a verdict is to be taken. `bad`: do not trust the experiment before it is explained; `warning`: something is odd,
 * but perhaps only in what is expected; `neutral`: nothing can be said.
 */
export type Tone = 'good' | 'bad' | 'warning' | 'neutral'

/** A verdict in plain words: a few words, and what they rest on, sentence by sentence. */
export interface VerdictWords {
  readonly tone: Tone
  readonly headline: string
  readonly sentences: readonly string[]
}

/** Is the split what it should be, in words? */
export function splitInWords(
  { sampleRatio: once, sequentialSampleRatio: sequential, assumed }: ExposuresVerdicts,
  words: PanelWords,
): VerdictWords {
  const { say } = words
  const split = say(assumed ? 'equalSplit' : 'configuredSplit')
  const lookInto = say(assumed ? 'findCauseIfEqual' : 'findCause')
  const strays = strayIdentities(once, words)
  const byChance = (pValue: number): string => say('chance', { chance: chance(pValue, words), split })
  switch (once.status) {
    case 'not-computable':
    case 'not-enough-traffic':
      return {
        tone: 'neutral',
        headline: say(once.status === 'not-computable' ? 'splitUnknown' : 'splitTooEarly'),
        sentences: [say('splitReason', { reason: once.reason ?? '' }), ...strays],
      }
    case 'mismatch':
      return {
        tone: assumed ? 'warning' : 'bad',
        headline: say(assumed ? 'notEqual' : 'mismatch'),
        sentences: [
          byChance(once.pValue ?? 0),
          say(sequential.status === 'mismatch' ? 'sequentialToo' : 'sequentialNotYet'),
          lookInto,
          ...strays,
        ],
      }
    case 'consistent':
      break
  }
  if (sequential.status === 'mismatch') {
    return {
      tone: assumed ? 'warning' : 'bad',
      headline: say('offForAWhile'),
      sentences: [say('fitsNow', { split }), lookInto, ...strays],
    }
  }
  return {
    tone: 'good',
    headline: say(assumed ? 'noMismatchIfEqual' : 'noMismatch'),
    sentences: [byChance(once.pValue ?? 1), ...couldShow(once, words), ...strays],
  }
}

/** The variants that have identities although none are expected in them. */
function strayIdentities(
  { strays: { variants } }: SampleRatioResult,
  { say, name }: PanelWords,
): readonly string[] {
  if (variants.length === 0) return []
  const named = variants
    .slice(0, 5)
    .map(({ variant }) => name(variant))
    .join(', ')
  const list = variants.length > 5 ? say('listAndMore', { list: named, count: variants.length - 5 }) : named
  return [say('strays', { count: variants.length, list })]
}

/** What this many identities could have shown. */
function couldShow({ arms }: SampleRatioResult, { say, digits }: PanelWords): readonly string[] {
  const [arm] = arms
  if (arms.length !== 2 || arm === undefined || arm.detectable.above === null) return []
  const { above } = arm.detectable
  const { expectedShare } = arm
  const inWords = (share: number, most: number): readonly [string, string] => [
    digits(share * 100, most),
    digits((1 - share) * 100, most),
  ]
  // With many identities it is so near to the expected share, or to all, that three digits do not tell them apart.
  const tellsApart = (most: number): boolean => {
    const [one, other] = inWords(above, most)
    return [expectedShare ?? 0, 1].every((share) => {
      const [sameOne, sameOther] = inWords(share, most)
      return share === above || (one !== sameOne && other !== sameOther)
    })
  }
  const [one, other] = inWords(above, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].find(tellsApart) ?? 13)
  return [say('couldShow', { one, other })]
}

/** A p-value as so many experiments: `32 of 100 experiments`. */
export function chance(pValue: number, { say, count, digits }: PanelWords): string {
  if (pValue === 1) return say('chanceAll')
  if (pValue >= 0.995) return say('chanceOfHundred', { number: say('moreThan', { value: count(99) }) })
  if (pValue >= 0.01) return say('chanceOfHundred', { number: digits(pValue * 100, 2) })
  return pValue < 1e-12
    ? say('chanceOfTrillion')
    : say('chanceOneOf', { number: count(Number((1 / pValue).toPrecision(2))) })
}

/** What is wrong with the traffic itself: an arm that fell silent, and fewer identities than usual. */
export function healthInWords(
  { arms, rate }: ExposureHealthResult,
  { say, name, share, tenths }: PanelWords,
): readonly string[] {
  return [
    ...arms
      .filter(({ isSilent }) => isSilent)
      .map(({ variant, othersSince, lastSeen }) =>
        say(lastSeen === null ? 'neverSeenArm' : 'silentArm', {
          variant: name(variant),
          count: othersSince,
        }),
      ),
    ...(rate.status === 'fallen' && rate.usual !== null
      ? [
          say('rateFallen', {
            count: rate.recent,
            share: share(rate.recent, rate.usual),
            usual: tenths(rate.usual),
          }),
        ]
      : []),
  ]
}

/** The excluded share in words, for beside the verdict. */
export function excludedInWords(
  { status, excludedIdentities, seenIdentities }: ExcludedRatioResult,
  multiVariant: MultiVariantPolicy,
  { say, share }: PanelWords,
): readonly string[] {
  if (excludedIdentities === null || seenIdentities === null) return [say('excludedUnknown')]
  if (seenIdentities === 0) return [say('excludedNobody')]
  if (excludesNobody(multiVariant, excludedIdentities)) return [say('noneExcluded')]
  const seen = say('excludedSentence', {
    count: excludedIdentities,
    seen: say('identityCount', { count: seenIdentities }),
    share: share(excludedIdentities, seenIdentities),
  })
  if (status === 'warning') return [seen, say('excludedWarning')]
  return status === 'acceptable' ? [seen, say('excludedAcceptable')] : [seen]
}

/** Whether nobody is excluded by the policy. The count of a former question may still have excluded some. */
export function excludesNobody(multiVariant: MultiVariantPolicy, excludedIdentities: number): boolean {
  return multiVariant === 'first-seen' && excludedIdentities === 0
}
