import {
  excludedRatio,
  sampleRatio,
  sequentialSampleRatio,
  type ExcludedRatioResult,
  type SampleRatioResult,
  type SequentialSampleRatioResult,
} from 'first-exposure/statistics'
import type { ExposuresView } from 'first-exposure/view'
import { count, share, variantLabel } from './format.js'

/** Whether to trust the split, in plain words and with the evidence that they rest on. */
export interface SplitVerdict {
  /**
   * `bad`: do not trust the experiment before it is explained; `unsure`: something is odd, but perhaps only in what is
   * expected; `unknown`: nothing can be said.
   */
  readonly tone: 'good' | 'bad' | 'unsure' | 'unknown'
  /** A few words. */
  readonly headline: string
  /** What it rests on and what to make of it, sentence by sentence. */
  readonly sentences: readonly string[]
  /** Whether equal shares were assumed because no split was given. */
  readonly assumed: boolean
  /** The shares that it was compared with. */
  readonly shares: Readonly<Record<string, number>>
  /** One look at the totals. */
  readonly once: SampleRatioResult
  /** A look after every closed bucket. */
  readonly sequential: SequentialSampleRatioResult
  readonly excluded: ExcludedRatioResult
}

/** The p-value below which a split is a mismatch: the field's convention. */
export const splitThreshold = 0.001
/** The excluded share above which to warn. */
const excludedThreshold = 0.01

/**
 * Is the split of a view what it should be?
 *
 * @param expectedShares - the configured split; left out, equal shares among the view's expected variants
 */
export function splitVerdict(
  view: ExposuresView,
  expectedShares: Readonly<Record<string, number>> | undefined,
): SplitVerdict {
  const assumed = expectedShares === undefined
  const shares =
    expectedShares ??
    Object.fromEntries(view.variants.filter(({ expected }) => expected).map(({ key }) => [key, 1]))
  const once = sampleRatio(Object.fromEntries(view.variants.map(({ key, total }) => [key, total])), shares, {
    threshold: splitThreshold,
  })
  const sequential = sequentialSampleRatio(view, shares, { threshold: splitThreshold })
  const excluded = excludedRatio(view, { threshold: excludedThreshold })
  return { ...inWords(once, sequential, assumed), assumed, shares, once, sequential, excluded }
}

function inWords(
  once: SampleRatioResult,
  sequential: SequentialSampleRatioResult,
  assumed: boolean,
): Pick<SplitVerdict, 'tone' | 'headline' | 'sentences'> {
  const split = assumed ? 'equal split' : 'configured split'
  const lookInto = assumed
    ? 'If another split was configured, say which: this verdict does not apply to it. If the split was equal, find what loses or adds identities before you trust any result.'
    : 'Something between assignment and counting loses or adds identities in some variants: redirects, crashes, bots, late logging. Find it before you trust any result.'
  const strays = strayIdentities(once)
  switch (once.status) {
    case 'not-computable':
      return {
        tone: 'unknown',
        headline: 'The split cannot be checked',
        sentences: [once.reason ?? '', ...strays],
      }
    case 'not-enough-traffic':
      return {
        tone: 'unknown',
        headline: 'Too early to judge the split',
        sentences: [once.reason ?? '', ...strays],
      }
    case 'mismatch':
      return {
        tone: assumed ? 'unsure' : 'bad',
        headline: assumed ? 'Not an equal split' : 'Sample ratio mismatch',
        sentences: [
          byChance(once.pValue ?? 0, split),
          sequential.status === 'mismatch'
            ? 'The test that allows for a look after every bucket finds it too.'
            : 'The test that allows for a look after every bucket does not find it so far. It answers later, so wait for it if you look often.',
          lookInto,
          ...strays,
        ],
      }
    case 'consistent':
      break
  }
  if (sequential.status === 'mismatch') {
    return {
      tone: assumed ? 'unsure' : 'bad',
      headline: 'The split was off for a while',
      sentences: [
        `The totals fit the ${split} now, but after some bucket they were further from it than chance explains.`,
        lookInto,
        ...strays,
      ],
    }
  }
  return {
    tone: 'good',
    headline: assumed ? 'No mismatch with an equal split found' : 'No mismatch found',
    sentences: [byChance(once.pValue ?? 1, split), ...couldShow(once), ...strays],
  }
}

/** The variants that have identities although none are expected in them. */
function strayIdentities({ strays: { variants } }: SampleRatioResult): readonly string[] {
  const keys = variants.map(({ variant }) => variantLabel(variant))
  if (keys.length === 0) return []
  const named = keys.slice(0, 5).join(', ') + (keys.length > 5 ? ` and ${count(keys.length - 5)} more` : '')
  return [
    keys.length === 1
      ? `A variant has identities although none are expected in it: ${named}. They are left out of this verdict.`
      : `${count(keys.length)} variants have identities although none are expected in them: ${named}. They are left out of this verdict.`,
  ]
}

/** What this many identities could have shown. */
function couldShow({ arms }: SampleRatioResult): readonly string[] {
  const [arm] = arms
  if (arms.length !== 2 || arm === undefined || arm.detectable.above === null) return []
  const percent = (share: number): string => String(Number((share * 100).toPrecision(3)))
  const above = percent(arm.detectable.above)
  return [
    `With this many identities, only ${above}:${percent(1 - arm.detectable.above)} or further would have been called a mismatch.`,
  ]
}

/** A p-value in words. */
function byChance(pValue: number, split: string): string {
  return `By chance alone, ${chance(pValue)} without a fault end at least this far from the ${split}.`
}

/** A p-value as so many experiments: `32 of 100 experiments`. */
export function chance(pValue: number): string {
  if (pValue >= 0.01) return `${Number((pValue * 100).toPrecision(2))} of 100 experiments`
  return pValue < 1e-12
    ? 'fewer than one of a trillion experiments'
    : `one of ${count(Number((1 / pValue).toPrecision(2)))} experiments`
}

/** `0.87`; `2.5 × 10⁻¹⁰`; nothing shorter than two digits that count. */
export function probability(value: number): string {
  if (value === 0) return 'below 10⁻³⁰⁰'
  if (value >= 0.0001) return String(Number(value.toPrecision(3)))
  const [digits = '', power = ''] = value.toExponential(1).split('e')
  return `${digits} × 10${Array.from(power, (digit) => superscripts[digit] ?? digit).join('')}`
}

const superscripts: Readonly<Record<string, string>> = {
  '-': '⁻',
  0: '⁰',
  1: '¹',
  2: '²',
  3: '³',
  4: '⁴',
  5: '⁵',
  6: '⁶',
  7: '⁷',
  8: '⁸',
  9: '⁹',
}

/** The excluded share in words, for beside the verdict. */
export function excludedInWords({ status, excludedIdentities, seenIdentities }: ExcludedRatioResult): string {
  if (excludedIdentities === null || seenIdentities === null) return 'The excluded share cannot be computed.'
  if (seenIdentities === 0) return 'Nobody was seen, so nobody is excluded.'
  const seen =
    `${count(excludedIdentities)} of ${count(seenIdentities)} identities seen ` +
    `(${share(excludedIdentities, seenIdentities)}) were in several variants and are excluded`
  if (status === 'warning') {
    return `${seen}, more than the ${excludedThreshold * 100}% that is worth a warning: the assignment may not stick, and the identities that are left may not be a random sample.`
  }
  return status === 'acceptable'
    ? `${seen}, not more than the ${excludedThreshold * 100}% that is worth a warning.`
    : `${seen}.`
}
