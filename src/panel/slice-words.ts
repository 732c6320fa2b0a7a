import type { SampleRatioStatus } from '../statistics/sample-ratio.js'
import type { PanelLabels } from './panel-labels.js'
import type { PanelWords } from './panel-words.js'
import type { SliceAnswer, SlicesAnswer } from './slices-answer.js'
import type { Tone, VerdictWords } from './split-words.js'

/** A slice's value for people. */
export function sliceLabel({ kind, value }: Pick<SliceAnswer, 'kind' | 'value'>, words: PanelWords): string {
  if (kind === 'other') return words.say('allOthers')
  return kind === 'none' ? words.say('noValue') : words.name(value ?? '')
}

/** A slice's verdict in a word or two. */
export const sliceVerdicts: Readonly<
  Record<SampleRatioStatus, { readonly tone: Tone; readonly label: keyof PanelLabels }>
> = {
  mismatch: { tone: 'bad', label: 'sliceMismatch' },
  consistent: { tone: 'good', label: 'sliceConsistent' },
  'not-enough-traffic': { tone: 'neutral', label: 'sliceTooFew' },
  'not-computable': { tone: 'neutral', label: 'sliceUnknown' },
}

/** The slices as a whole, in words. */
export function slicesInWords(
  { slices, status, reason, familySize }: SlicesAnswer,
  { say, count }: PanelWords,
): VerdictWords {
  const reasons = reason === null ? [] : [say('slicesReason', { reason })]
  const corrected = familySize === 0 ? [] : [say('corrected', { count: familySize })]
  if (status === 'mismatch') {
    const off = slices.filter((slice) => slice.status === 'mismatch').length
    return {
      tone: 'bad',
      headline: say('slicesOff', { off: count(off), count: slices.length }),
      sentences: [...reasons, ...corrected],
    }
  }
  return status === 'consistent'
    ? { tone: 'good', headline: say('slicesFine'), sentences: corrected }
    : { tone: 'neutral', headline: say('slicesUnknown'), sentences: [...reasons, ...corrected] }
}
