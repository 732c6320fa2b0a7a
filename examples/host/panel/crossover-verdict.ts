import type { Crossovers, MultiVariantPolicy } from 'first-exposure'
import {
  assignedRatio,
  crossoverBias,
  type CrossoverBiasResult,
  type SampleRatioResult,
} from 'first-exposure/statistics'
import type { ExposuresView } from 'first-exposure/view'
import { countOf } from './count-of.js'
import { count, counted, duration, share } from './format.js'
import { chance, splitThreshold } from './split-verdict.js'

/** Whether crossing over falls evenly on the variants, in plain words and with the evidence. */
export interface CrossoverVerdict {
  readonly tone: 'good' | 'bad' | 'unknown'
  readonly headline: string
  readonly sentences: readonly string[]
  readonly bias: CrossoverBiasResult
  /** The split as assigned, before quarantine took anybody out; left out where no shares were given. */
  readonly assigned?: SampleRatioResult
  /** The identities that were in one variant only, by its key. */
  readonly stayed: Readonly<Record<string, number>>
}

/**
 * Does crossing over fall evenly on the variants of a view? And was the split right before it?
 *
 * @param expectedShares - the configured split; left out, nothing is said of the split as assigned
 */
export function crossoverVerdict(
  crossovers: Crossovers,
  view: ExposuresView,
  multiVariant: MultiVariantPolicy,
  expectedShares?: Readonly<Record<string, number>>,
): CrossoverVerdict {
  const { firstVariants } = crossovers
  // Where an identity counts in its first variant, those who went on are among the counted.
  const among = (key: string): number => (multiVariant === 'first-seen' ? countOf(firstVariants, key) : 0)
  const stayed = Object.fromEntries(
    view.variants.map(({ key, total }) => [key, Math.max(0, total - among(key))]),
  )
  const bias = crossoverBias({ counted: stayed, quarantined: firstVariants }, { threshold: splitThreshold })
  const words = inWords(bias, multiVariant)
  if (expectedShares === undefined) return { ...words, bias, stayed }
  const counts = { counted: stayed, quarantined: firstVariants }
  const assigned = assignedRatio(counts, expectedShares, { threshold: splitThreshold })
  return { ...words, sentences: [...words.sentences, ...assignedInWords(assigned)], bias, assigned, stayed }
}

function inWords(
  { status, reason, pValue }: CrossoverBiasResult,
  multiVariant: MultiVariantPolicy,
): Pick<CrossoverVerdict, 'tone' | 'headline' | 'sentences'> {
  const subject = multiVariant === 'quarantine' ? 'Quarantine falls' : 'Crossovers fall'
  const unevenly = `By chance alone, ${chance(pValue ?? 1)} without a fault spread it over the variants at least this unevenly.`
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
            ? 'The identities that stay in a variant were then selected by what it does, or by how it was assigned. The comparison is biased, however few are quarantined. Find out why identities change their variant before you trust any result.'
            : 'Something in one variant makes identities leave it, or it is assigned again more often. Find it before you trust any result.',
        ],
      }
    case 'not-enough-traffic':
      return { tone: 'unknown', headline: 'Too few crossovers to judge', sentences: [reason ?? ''] }
    case 'not-computable':
      break
  }
  return { tone: 'unknown', headline: 'The crossovers cannot be judged', sentences: [reason ?? ''] }
}

/** Whose fault a mismatch is: the assignment's, or the exclusion's. */
function assignedInWords({ status }: SampleRatioResult): readonly string[] {
  switch (status) {
    case 'mismatch':
      return [
        'With everybody in their first variant the split is off as well: look at the assignment, not at who was excluded.',
      ]
    case 'consistent':
      return [
        'With everybody in their first variant no mismatch was found: if the split is off now, the exclusion did it.',
      ]
    default:
      return []
  }
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
