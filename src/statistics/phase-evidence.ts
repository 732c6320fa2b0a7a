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
      return arm === undefined
        ? []
        : [
            {
              ...arm,
              share: phase.shares.get(variant) ?? 0,
              total,
              shares: phase.shares,
            },
          ]
    }),
  )
  const deviations = armsOf.map((arms) =>
    ascendingSum(arms.map(({ observed, expected }) => observed - expected)),
  )
  const covariance = variants.map((row, at) =>
    variants.map((column) =>
      ascendingSum(
        (armsOf[at] ?? []).map(
          ({ share, total, shares }) =>
            total * share * (row === column ? shareOfOthers(shares, row) : -(shares.get(column) ?? 0)),
        ),
      ),
    ),
  )
  const expected = armsOf.map((arms) => ascendingSum(arms.map((arm) => arm.expected)))
  const { statistic, rank } = quadraticForm(covariance, deviations, expected)
  if (areTrusted(expected, level)) {
    return evidenceOf(statistic, rank, {
      logPValue: logChiSquaredUpperTail(statistic, rank),
      method: 'chi-squared',
    })
  }
  // Arm by arm. Two arms have the same evidence, so the smaller one is enough.
  const smallest = expected.indexOf(Math.min(...expected))
  const judged = variants.length === 2 ? [armsOf[smallest] ?? []] : armsOf
  const least = trustedExpectation(level)
  const tails = judged.map((arms): Tail => {
    const gap = ascendingSum(arms.map(({ observed, expected: mean }) => observed - mean))
    const variance = ascendingSum(arms.map(({ share, total }) => total * share * (1 - share)))
    if (variance === 0) return { logPValue: 0, method: 'exact' }
    const mean = ascendingSum(arms.map((arm) => arm.expected))
    return mean < least
      ? sumOfBinomialsTail(arms, mean, Math.abs(gap))
      : { logPValue: logChiSquaredUpperTail(gap ** 2 / variance, 1), method: 'chi-squared' }
  })
  const [only] = tails
  if (tails.length === 1 && only !== undefined) return evidenceOf(statistic, rank, only)
  return evidenceOf(statistic, rank, {
    logPValue: Math.min(0, Math.min(...tails.map(({ logPValue }) => logPValue)) + Math.log(tails.length)),
    method: 'bound',
  })
}

/** The probability that the sum of independent binomials is at least this far above or below its expected value. */
function sumOfBinomialsTail(
  arms: readonly { readonly total: number; readonly share: number }[],
  mean: number,
  gap: number,
): Tail {
  // Beyond this a sum has almost no probability, compared with one that is a little nearer.
  const last = Math.ceil(mean + 30 * Math.sqrt(mean) + 100)
  if (gap > 25 * Math.sqrt(mean) + 80) return binomialsBound(arms, mean + gap)
  let sums: readonly number[] = [1]
  for (const { total, share } of arms) {
    const { most, logProbability } = binomial(total, share, 1 - share)
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
  // Ties count.
  const near = gap - 1e-9 * Math.max(1, mean)
  const tail = ascendingSum(sums.filter((_, count) => Math.abs(count - mean) >= near))
  // What a double does not hold was lost.
  return tail > 1e-290
    ? { logPValue: Math.min(0, Math.log(tail)), method: 'exact' }
    : binomialsBound(arms, mean + gap)
}

/**
 * A bound of the probability that the sum is at least this great, or as far below the mean: the least of
 * E[e^(s (sum − count))] over s above 0, twice, because the lower tail is never greater than that.
 */
function binomialsBound(
  arms: readonly { readonly total: number; readonly share: number }[],
  count: number,
): Tail {
  const ofArms = (of: (total: number, share: number) => number): number =>
    ascendingSum(arms.map(({ total, share }) => of(total, share)))
  // The mean if the odds were e^s times as great: the bound is least where it is the count.
  let [low, high] = [0, 700]
  for (let step = 0; step < 60; step++) {
    const s = (low + high) / 2
    const mean = ofArms((total, share) => (total * share) / (share + (1 - share) * Math.exp(-s)))
    if (mean < count) low = s
    else high = s
  }
  const logMoment = ofArms((total, share) => total * (low + Math.log(share + (1 - share) * Math.exp(-low))))
  return { logPValue: Math.min(0, logMoment - low * count + Math.LN2), method: 'bound' }
}

/**
 * DᵀV⁻D and the rank of V, by elimination from the smallest arm to the largest: what the others determine is a large one,
 * whose own difference has the fewest digits.
 */
function quadraticForm(
  covariance: readonly (readonly number[])[],
  deviations: readonly number[],
  sizes: readonly number[],
): { readonly statistic: number; readonly rank: number } {
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
  let [statistic, rank] = [0, 0]
  for (const [place, pivot] of inOrder.entries()) {
    const row = rows[pivot] ?? []
    const size = row[pivot] ?? 0
    const gap = row.at(-1) ?? 0
    if (size <= 1e-10) continue
    rank++
    statistic += gap ** 2 / size
    for (const later of inOrder.slice(place + 1)) {
      const other = rows[later] ?? []
      const factor = (other[pivot] ?? 0) / size
      row.forEach((value, column) => {
        other[column] = (other[column] ?? 0) - factor * value
      })
    }
  }
  return { statistic, rank }
}
