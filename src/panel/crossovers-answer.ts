import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { Crossovers, CrossoversPoint } from '../questions/crossovers/answer.js'
import { assignedRatio } from '../statistics/assigned-ratio.js'
import { crossoverBias, type CrossoverBiasResult } from '../statistics/crossover-bias.js'
import type { ExpectedShares } from '../statistics/expected-phases.js'
import type { SampleRatioResult } from '../statistics/sample-ratio.js'
import type { Granularity } from '../time/granularity.js'
import type { ExposuresView } from '../view/exposures-view.js'
import { countOf } from './count-of.js'
import { crossoverMatrix, type CrossoverMatrix } from './crossover-matrix.js'

/** The identities that went from one variant to another. */
export interface AnsweredPair {
  readonly firstVariant: string
  readonly nextVariant: string
  readonly identities: number
  /** The median time between the two exposures, in milliseconds. */
  readonly medianMs: number
  /** The bucket in which most of them changed. */
  readonly peak: CrossoversPoint
  /** How many changed in each of at most 36 equal parts of the window, in the order of time. */
  readonly bars: readonly number[]
}

/** Who was in two variants, and whether evenly. */
export interface CrossoversAnswer {
  /** All identities that were in two variants or more, each counted once. */
  readonly identities: number
  readonly granularity: Granularity
  /** The bucket in which most of them changed; `null` if there are none. */
  readonly peak: CrossoversPoint | null
  /** The pairs with the most identities, at most 20. */
  readonly pairs: readonly AnsweredPair[]
  /** How many pairs there are in all. */
  readonly pairCount: number
  readonly matrix: CrossoverMatrix
  /** Whether crossing over falls evenly on the variants: `crossoverBias`. */
  readonly crossoverBias: CrossoverBiasResult
  /**
   * The split as assigned, before quarantine took anybody out: `assignedRatio`. `null` without expected shares, and
   * with phases.
   */
  readonly assignedRatio: SampleRatioResult | null
}

const mostPairs = 20
const mostBars = 36

/** The crossovers as a panel shows them, with the verdicts on them. */
export function crossoversAnswer(
  crossovers: Crossovers,
  view: ExposuresView,
  multiVariant: MultiVariantPolicy,
  expectedShares: ExpectedShares | undefined,
): CrossoversAnswer {
  const { identities, pairs, firstVariants, timeseries } = crossovers
  const stayed = stayedIdentities(crossovers, view, multiVariant)
  const counts = { counted: stayed, quarantined: firstVariants }
  const places = new Map(view.points.map(({ start }, place) => [start, place]))
  return {
    identities,
    granularity: timeseries.granularity,
    peak: timeseries.points.length === 0 ? null : peakOf(timeseries.points),
    pairs: pairs.slice(0, mostPairs).map(({ firstVariant, nextVariant, identities, medianMs, points }) => ({
      firstVariant,
      nextVariant,
      identities,
      medianMs,
      peak: peakOf(points),
      bars: barsOf(points, places),
    })),
    pairCount: pairs.length,
    matrix: crossoverMatrix(crossovers, view, stayed),
    crossoverBias: crossoverBias(counts),
    assignedRatio:
      expectedShares === undefined || Array.isArray(expectedShares)
        ? null
        : assignedRatio(counts, expectedShares),
  }
}

/** The identities that were in one variant only, by its key. */
function stayedIdentities(
  { firstVariants }: Crossovers,
  view: ExposuresView,
  multiVariant: MultiVariantPolicy,
): Readonly<Record<string, number>> {
  // Where an identity counts in its first variant, those who went on are among the counted.
  const among = (key: string): number => (multiVariant === 'first-seen' ? countOf(firstVariants, key) : 0)
  return Object.fromEntries(view.variants.map(({ key, total }) => [key, Math.max(0, total - among(key))]))
}

function peakOf(points: readonly CrossoversPoint[]): CrossoversPoint {
  const none: CrossoversPoint = { bucket: '', identities: 0 }
  const { bucket, identities } = points.reduce((a, b) => (b.identities > a.identities ? b : a), none)
  return { bucket, identities }
}

function barsOf(points: readonly CrossoversPoint[], places: ReadonlyMap<string, number>): readonly number[] {
  const bars = Array.from({ length: Math.min(mostBars, places.size) }, () => 0)
  for (const { bucket, identities } of points) {
    // A bucket that the view does not have is in no part of its window.
    const place = Math.floor(((places.get(bucket) ?? NaN) * bars.length) / places.size)
    if (place in bars) bars[place] = (bars[place] ?? 0) + identities
  }
  return bars
}
