import type { Crossovers, MultiVariantPolicy } from 'first-exposure'
import { crossoverBias, type SampleRatioResult } from 'first-exposure/statistics'
import type { ExposuresView } from 'first-exposure/view'
import { countOf } from './count-of.js'
import { count, counted, duration, share } from './format.js'
import { chance, splitThreshold } from './split-verdict.js'

/** Whether crossing over falls evenly on the variants, in plain words and with the evidence. */
export interface CrossoverVerdict {
  readonly tone: 'good' | 'bad' | 'unknown'
  readonly headline: string
  readonly sentences: readonly string[]
  readonly bias: SampleRatioResult
  /** The identities that were in one variant only, by its key. */
  readonly stayed: Readonly<Record<string, number>>
}

/** Does crossing over fall evenly on the variants of a view? */
export function crossoverVerdict(
  crossovers: Crossovers,
  view: ExposuresView,
  multiVariant: MultiVariantPolicy,
): CrossoverVerdict {
  const { firstVariants } = crossovers
  // Where an identity counts in its first variant, those who went on are among the counted.
  const among = (key: string): number => (multiVariant === 'first-seen' ? countOf(firstVariants, key) : 0)
  const stayed = Object.fromEntries(
    view.variants.map(({ key, total }) => [key, Math.max(0, total - among(key))]),
  )
  const bias = crossoverBias({ counted: stayed, quarantined: firstVariants }, { threshold: splitThreshold })
  return { ...inWords(bias, multiVariant), bias, stayed }
}

function inWords(
  { status, reason, pValue }: SampleRatioResult,
  multiVariant: MultiVariantPolicy,
): Pick<CrossoverVerdict, 'tone' | 'headline' | 'sentences'> {
  const subject = multiVariant === 'quarantine' ? 'Quarantine falls' : 'Crossovers fall'
  const unevenly = `By chance alone, ${chance(pValue ?? 1)} set up right spread it over the variants as unevenly as this one, or more.`
  switch (status) {
    case 'consistent':
      return { tone: 'good', headline: `${subject} evenly on the variants`, sentences: [unevenly] }
    case 'mismatch':
      return {
        tone: 'bad',
        headline: `${subject} unevenly on the variants`,
        sentences: [
          unevenly,
          multiVariant === 'quarantine'
            ? 'Those who are left in a variant were then chosen by what it does, or by how it was assigned: the comparison is biased, however few are quarantined. Find out why identities change their variant before you trust any result.'
            : 'Something in one variant makes identities change it, or it is assigned anew more often: find it before you trust any result.',
        ],
      }
    case 'not-enough-traffic':
      return { tone: 'unknown', headline: 'Too few crossovers to judge', sentences: [reason ?? ''] }
    case 'not-computable':
      break
  }
  return { tone: 'unknown', headline: 'The crossovers cannot be judged', sentences: [reason ?? ''] }
}

/** How many crossed over, and when most of them did; a bucket is named by `labelOf` its start. */
export function crossoversInWords(
  { identities, timeseries }: Crossovers,
  seen: number,
  labelOf: (bucket: string) => string,
): string {
  if (identities === 0) return 'Nobody was exposed to more than one variant.'
  const most = timeseries.points.reduce((a, b) => (b.identities > a.identities ? b : a))
  return (
    `${count(identities)} of ${counted(seen, 'identity', 'identities')} seen (${share(identities, seen)}) ${identities === 1 ? 'was' : 'were'} exposed to more ` +
    `than one variant; the ${timeseries.granularity} in which most of them changed was ${labelOf(most.bucket)}, with ${count(most.identities)}.`
  )
}

/** The median time between the first exposure and the one to another variant, in plain units. */
export function medianInWords(medianMs: number): string {
  return medianMs === 0 ? 'none' : duration(medianMs)
}
