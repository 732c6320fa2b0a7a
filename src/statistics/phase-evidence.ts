import { logChiSquaredUpperTail } from './chi-squared-upper-tail.js'
import { binomial } from './count-distributions.js'
import {
  areTrusted,
  multinomialTail,
  noEvidence,
  shown,
  trustedExpectation,
  type Tail,
  type TestEvidence,
} from './evidence.js'
import { ascendingSum, shareOfOthers, type ExpectedPhase } from './expected-phases.js'

/** An arm in one phase or in all phases: its counts, and its part of Pearson's statistic. */
export interface DeviatingArm {
  readonly variant: string
  readonly observed: number
  readonly expected: number
  readonly deviation: number
}

/** A phase, with the counts of its arms while it was in force. */
export interface Fit {
  readonly phase: ExpectedPhase
  readonly total: number
  readonly arms: readonly DeviatingArm[]
}

/** The counts compared with what a phase expects. */
export function fit(phase: ExpectedPhase, counts: ReadonlyMap<string, number>): Fit {
  const variants = [...phase.shares.keys()]
  const total = variants.reduce((sum, variant) => sum + (counts.get(variant) ?? 0), 0)
  const arms = [...phase.shares].map(([variant, share]) => {
    const observed = counts.get(variant) ?? 0
    const expected = total * share
    return {
      variant,
      observed,
      expected,
      deviation: deviation(observed, expected),
    }
  })
  return { phase, total, arms }
}

/** A cell's part of Pearson's statistic; infinite if it has identities where none are possible. */
export function deviation(observed: number, expected: number): number {
  return expected === 0 ? (observed === 0 ? 0 : Infinity) : (observed - expected) ** 2 / expected
}

/** The evidence of all phases, each by its own shares, and the evidence for a loss that is the same in all of them. */
export interface PhaseEvidence extends TestEvidence {
  /** With two phases or more: the two tests. The p-value is twice the smaller of theirs. */
  readonly components?: {
    readonly phases: TestEvidence
    readonly pooled: TestEvidence
  }
}

/**
 * The evidence of the phases that have identities.
 *
 * @param level - the probability to compare the p-value with
 */
export function phaseEvidence(fits: readonly Fit[], level: number): PhaseEvidence {
  const degreesOfFreedom = fits.reduce((sum, { phase }) => sum + phase.degreesOfFreedom, 0)
  if (fits.every(({ total }) => total === 0)) {
    return noEvidence(degreesOfFreedom)
  }
  const [only] = fits
  if (fits.length === 1 && only !== undefined)
    return evidenceOf(statisticOf(only), degreesOfFreedom, tailOf(only, level))
  // Each test gets half of the level, so that either one can report a mismatch.
  const phases = evidenceOf(
    ascendingSum(fits.flatMap(({ arms }) => arms.map((arm) => arm.deviation))),
    degreesOfFreedom,
    separateTail(fits, level / 2),
  )
  const pooled = pooledEvidence(fits, level / 2)
  const [first, second] = [phases, pooled].map(({ logPValue }) => (logPValue ?? 0) + Math.LN2)
  const logPValue = Math.min(0, first ?? 0, second ?? 0)
  return {
    statistic: phases.statistic,
    degreesOfFreedom,
    ...shown(logPValue),
    method: 'bound',
    components: { phases, pooled },
  }
}

function evidenceOf(statistic: number, degreesOfFreedom: number, { logPValue, method }: Tail): TestEvidence {
  return {
    statistic: Number.isFinite(statistic) ? statistic : null,
    degreesOfFreedom,
    ...shown(logPValue),
    method,
  }
}

function statisticOf({ arms }: Fit): number {
  return ascendingSum(arms.map((arm) => arm.deviation))
}

function tailOf(fitted: Fit, level: number): Tail {
  const { arms, phase } = fitted
  return multinomialTail(
    arms.map(({ observed }) => observed),
    arms.map(({ variant }) => phase.shares.get(variant) ?? 0),
    statisticOf(fitted),
    level,
  )
}

/**
 * Each phase by itself. Independent chi-squared variables add up with their degrees of freedom; exact p-values are
 * combined with them by Fisher's method: −2 Σ ln p is at most chi-squared with two degrees of freedom for each.
 */
function separateTail(fits: readonly Fit[], level: number): Tail {
  const isLarge = ({ arms }: Fit): boolean =>
    areTrusted(
      arms.map(({ expected }) => expected),
      level,
    )
  const large = fits.filter(isLarge)
  const tails = fits.filter((each) => !isLarge(each)).map((each) => tailOf(each, level))
  if (large.length > 0) {
    const degreesOfFreedom = large.reduce((sum, { phase }) => sum + phase.degreesOfFreedom, 0)
    const statistic = ascendingSum(large.flatMap(({ arms }) => arms.map((arm) => arm.deviation)))
    tails.push({
      logPValue: logChiSquaredUpperTail(statistic, degreesOfFreedom),
      method: 'chi-squared',
    })
  }
  const [only] = tails
  if (tails.length === 1 && only !== undefined) return only
  const statistic = -2 * ascendingSum(tails.map(({ logPValue }) => logPValue))
  return {
    logPValue: logChiSquaredUpperTail(statistic, 2 * tails.length),
    method: 'bound',
  }
}

/** An arm in one of the phases that are added up: how many of all it gets by chance. */
interface PooledArm {
  readonly total: number
  readonly share: number
  /** 1 − share. */
  readonly others: number
}

/**
 * How many identities the arms and the rest expect where they expect fewer: as many as can deviate. An arm that gets
 * nearly everybody expects many, but hardly deviates.
 */
function expectedByFewer(arms: readonly PooledArm[]): number {
  return ascendingSum(arms.map(({ total, share, others }) => total * Math.min(share, others)))
}

/**
 * The deviations added up over the phases, D, against their covariance, V = Σ N (diag p − p pᵀ): DᵀV⁻D is chi-squared
 * with the rank of V as its degrees of freedom. A loss that is the same in every phase adds up here. In the sum of the
 * phases' statistics it is spread over all their degrees of freedom.
 */
function pooledEvidence(fits: readonly Fit[], level: number): TestEvidence {
  const variants = [...new Set(fits.flatMap(({ phase }) => [...phase.shares.keys()]))].sort()
  const armsOf = variants.map((variant) =>
    fits.flatMap(({ arms, phase, total }) => {
      const arm = arms.find((each) => each.variant === variant)
      if (arm === undefined) return []
      const { observed, expected } = arm
      const share = phase.shares.get(variant) ?? 0
      const others = shareOfOthers(phase.shares, variant)
      // By the smaller side: next to the greater one the difference has fewer digits.
      const surplus = share <= others ? observed - expected : total * others - (total - observed)
      return [{ expected, total, share, others, surplus, shares: phase.shares }]
    }),
  )
  const deviations = armsOf.map((arms) => ascendingSum(arms.map(({ surplus }) => surplus)))
  const covariance = variants.map((row, at) =>
    variants.map((column) =>
      ascendingSum(
        (armsOf[at] ?? []).map(
          ({ share, others, total, shares }) =>
            total * share * (row === column ? others : -(shares.get(column) ?? 0)),
        ),
      ),
    ),
  )
  const expected = armsOf.map((arms) => ascendingSum(arms.map((arm) => arm.expected)))
  const { statistic, rank, leastVariance } = quadraticForm(covariance, deviations, expected)
  const least = trustedExpectation(level) * (1 - 1e-9)
  // Arms that can deviate may still hardly deviate together, if only a rare arm is beside them. In a single phase of
  // trusted arms, each variance is at least half of the least expectation.
  if (areTrusted(armsOf.map(expectedByFewer), level) && leastVariance >= least / 2) {
    return evidenceOf(statistic, rank, {
      logPValue: logChiSquaredUpperTail(statistic, rank),
      method: 'chi-squared',
    })
  }
  // Arm by arm. Two arms have the same evidence, so the smaller one is enough.
  const smallest = expected.indexOf(Math.min(...expected))
  const judged = variants.length === 2 ? [armsOf[smallest] ?? []] : armsOf
  const tails = judged.map((arms): Tail => {
    const gap = ascendingSum(arms.map(({ surplus }) => surplus))
    const variance = ascendingSum(arms.map(({ share, others, total }) => total * share * others))
    if (variance === 0) return { logPValue: 0, method: 'exact' }
    return areTrusted([expectedByFewer(arms)], level)
      ? { logPValue: logChiSquaredUpperTail(gap ** 2 / variance, 1), method: 'chi-squared' }
      : sumOfBinomialsTail(arms, Math.abs(gap))
  })
  const [only] = tails
  if (tails.length === 1 && only !== undefined) return evidenceOf(statistic, rank, only)
  return evidenceOf(statistic, rank, {
    logPValue: Math.min(0, Math.min(...tails.map(({ logPValue }) => logPValue)) + Math.log(tails.length)),
    method: 'bound',
  })
}

/** The probability that the sum of independent binomials is at least this far above or below its expected value. */
function sumOfBinomialsTail(arms: readonly PooledArm[], gap: number): Tail {
  // Where nearly everybody is expected, those who are missing are counted: all counts are then small.
  const present = arms.filter(({ share, others }) => share <= others)
  const missing = arms.filter(({ share, others }) => share > others).map(turned)
  const [meanPresent, meanMissing] = [expectedByFewer(present), expectedByFewer(missing)]
  const mean = meanPresent + meanMissing
  if (gap > 25 * Math.sqrt(mean) + 80) return binomialsBound(arms, gap)
  // Beyond this a sum has almost no probability, compared with one that is a little nearer.
  const last = Math.ceil(mean + 30 * Math.sqrt(mean) + 100)
  const ofMissing = sumOfBinomials(missing, last)
  // Ties count.
  const near = gap - 1e-9 * Math.max(1, mean)
  const tail = ascendingSum(
    sumOfBinomials(present, last).map((p, more) => {
      const isFar = (fewer: number): boolean => Math.abs(more - meanPresent - (fewer - meanMissing)) >= near
      return p * ascendingSum(ofMissing.filter((_, fewer) => isFar(fewer)))
    }),
  )
  // What a double does not hold was lost.
  return tail > 1e-290
    ? { logPValue: Math.min(0, Math.log(tail)), method: 'exact' }
    : binomialsBound(arms, gap)
}

/** Those who are missing in the arm, counted instead of those who are in it. */
function turned({ total, share, others }: PooledArm): PooledArm {
  return { total, share: others, others: share }
}

/** The probabilities of the sums of independent binomials, from none to the last. */
function sumOfBinomials(arms: readonly PooledArm[], last: number): readonly number[] {
  let sums: readonly number[] = [1]
  for (const { total, share, others } of arms) {
    const { most, logProbability } = binomial(total, share, others)
    const ofPhase = Array.from({ length: Math.min(last, most) + 1 }, (_, count) =>
      Math.exp(logProbability(count)),
    )
    const added = Array.from({ length: Math.min(last + 1, sums.length + ofPhase.length - 1) }, () => 0)
    sums.forEach((p, before) => {
      ofPhase.forEach((q, count) => {
        if (before + count < added.length) added[before + count] = (added[before + count] ?? 0) + p * q
      })
    })
    sums = added
  }
  return sums
}

/**
 * A bound of the probability that the sum of binomials is at least this far above or below its expected value: Chernoff's
 * of the side that has the greater one, twice.
 */
function binomialsBound(arms: readonly PooledArm[], gap: number): Tail {
  const logBound = Math.max(logChernoffBound(arms, gap), logChernoffBound(arms.map(turned), gap))
  return { logPValue: Math.min(0, logBound + Math.LN2), method: 'bound' }
}

/** The least of E[e^(s (sum − mean − gap))] over s above 0. */
function logChernoffBound(arms: readonly PooledArm[], gap: number): number {
  const ofArms = (of: (arm: PooledArm) => number): number => ascendingSum(arms.map(of))
  // The surplus that is expected if the odds are e^s times as great: the bound is least where it is the gap.
  let [low, high] = [0, 700]
  for (let step = 0; step < 60; step++) {
    const s = (low + high) / 2
    const surplus = ofArms(
      ({ total, share, others }) =>
        (-Math.expm1(-s) * total * share * others) / (share + others * Math.exp(-s)),
    )
    if (surplus < gap) low = s
    else high = s
  }
  // By the smaller share, so that what a large mean has in both terms is not subtracted.
  const logMoment = ofArms(({ total, share, others }) =>
    share <= others
      ? total * (Math.log1p(share * Math.expm1(low)) - low * share)
      : total * (Math.log1p(others * Math.expm1(-low)) + low * others),
  )
  return logMoment - low * gap
}

/**
 * DᵀV⁻D and the rank of V, by elimination from the smallest arm to the largest: what the others determine is a large one,
 * whose own difference has the fewest digits. With them the least variance that an arm has beside those before it.
 */
function quadraticForm(
  covariance: readonly (readonly number[])[],
  deviations: readonly number[],
  sizes: readonly number[],
): { readonly statistic: number; readonly rank: number; readonly leastVariance: number } {
  // In standard deviations: what is left of an arm by rounding is small beside its own variance, however small that is.
  const units = covariance.map((row, at) => Math.sqrt(row[at] ?? 0))
  const rows = covariance.map((row, at) =>
    [...row.map((value, column) => value / (units[column] ?? 1)), deviations[at] ?? 0].map(
      (value) => value / (units[at] ?? 1),
    ),
  )
  const inOrder = [...rows.keys()]
    .filter((at) => units[at] !== 0)
    .sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0))
  let [statistic, rank, leastVariance] = [0, 0, Infinity]
  for (const [place, pivot] of inOrder.entries()) {
    const row = rows[pivot] ?? []
    const size = row[pivot] ?? 0
    const gap = row.at(-1) ?? 0
    if (size <= 1e-10) continue
    rank++
    statistic += gap ** 2 / size
    leastVariance = Math.min(leastVariance, size * (units[pivot] ?? 0) ** 2)
    for (const later of inOrder.slice(place + 1)) {
      const other = rows[later] ?? []
      const factor = (other[pivot] ?? 0) / size
      row.forEach((value, column) => {
        other[column] = (other[column] ?? 0) - factor * value
      })
    }
  }
  return { statistic, rank, leastVariance }
}
