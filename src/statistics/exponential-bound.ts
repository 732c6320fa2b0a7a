import { logLowerTail, logSum, logUpperTail } from './count-distributions.js'
import { nearCounts, type Lottery } from './lottery.js'

/** Counts of an arm, each with the logarithm of its weight and what it adds to the distance. */
interface Samples {
  /** How far the sampled counts are from each other. */
  readonly stride: number
  readonly counts: Float64Array
  readonly logWeights: Float64Array
  readonly distances: Float64Array
}

/** The limit of work for one bound, in counts sampled: about 200 ms. */
const sampleBudget = 300_000

/**
 * The logarithm of an upper bound of the probability that the distance is at least `far`, at a cost that grows only with
 * the number of arms. Of many arms it is some ten to a hundred times the probability itself, however small that is.
 *
 * For any t above 0 it is at most E[e^(t (distance − far))] (H. Chernoff, Annals of Mathematical Statistics 23, 1952).
 * The counts are independent, but for their sum. So the expected value is a sum over each arm but the last, and of the
 * last arm the greatest term stands for all. Counts that are too far by themselves are left out, and their probability
 * is added. The least of these bounds over t is taken.
 */
export function exponentialBound(lottery: Lottery, far: number): number {
  const { arms, group, logWhole, mostTilt } = lottery
  const last = arms - 1
  // Arms that are empty as often are alike: they are sampled once.
  const others = new Map<number, { readonly arm: number; times: number }>()
  for (let arm = 0; arm < last; arm++) {
    const logEmpty = lottery.logWeight(arm, 0)
    const alike = others.get(logEmpty)
    if (alike === undefined) others.set(logEmpty, { arm, times: 1 })
    else alike.times++
  }
  const nearLast = nearSamples(lottery, last, far)
  const near = [...others.values()].map(({ arm, times }) => ({
    arm,
    times,
    ...nearSamples(lottery, arm, far),
  }))
  if (near.reduce((sum, { length }) => sum + length, nearLast.length) > sampleBudget) {
    return unionBound(lottery, far)
  }
  const ofLast = samplesOf(lottery, last, nearLast)
  const sampled = near.map((own) => ({ ...own, samples: samplesOf(lottery, own.arm, own) }))
  const logOutside = sampled.reduce(
    (sum, own) => logSum(sum, own.logOutside + Math.log(own.times)),
    nearLast.logOutside,
  )
  const boundAt = (tilt: number): number => {
    let sum = greatestTerm(ofLast, tilt, group?.logMoment) - logWhole - tilt * far
    for (const { samples, times } of sampled) sum += times * logSumOf(samples, tilt)
    return sum
  }
  // What lies between two sampled counts is greater by less than this.
  const between = 0.001 * arms
  return Math.min(0, logSum(leastOver(boundAt, mostTilt) + between, logOutside))
}

/**
 * A looser bound, for a distance so great that the counts nearer to it are too many to sample: at least one arm adds its
 * equal part of the distance. As improbable as such a distance is, nothing depends on how loose it is.
 */
function unionBound(lottery: Lottery, far: number): number {
  const { arms, total, expected, group } = lottery
  // What the arms of a group differ among themselves is a part of its own.
  const part = far / (group === undefined ? arms : arms + 1)
  let bound = -Infinity
  for (let arm = 0; arm < arms; arm++) bound = logSum(bound, nearSamples(lottery, arm, part).logOutside)
  if (group !== undefined) {
    const tilt = (0.45 * expected(arms - 1, arms)) / total
    bound = logSum(bound, group.logMoment(total, tilt) - tilt * part)
  }
  return Math.min(0, bound)
}

/** Which counts of an arm are near enough and sampled, and the logarithm of the probability of all that are not. */
interface NearSamples {
  readonly low: number
  readonly stride: number
  readonly length: number
  readonly logOutside: number
}

function nearSamples(
  { total, expected, distance, marginal }: Lottery,
  arm: number,
  far: number,
): NearSamples {
  const mean = expected(arm, arm + 1)
  // Without a count that is near enough, all are outside.
  const [low, high] = nearCounts(0, total, mean, (count) => distance(arm, count) < far) ?? [0, -1]
  const stride = Math.max(1, Math.floor(Math.sqrt(mean) / 16))
  const own = marginal(arm)
  return {
    low,
    stride,
    length: Math.floor((high - low) / stride) + 1,
    logOutside: logSum(logLowerTail(own, low - 1), logUpperTail(own, high + 1)),
  }
}

function samplesOf(lottery: Lottery, arm: number, { low, stride, length }: NearSamples): Samples {
  const counts = Float64Array.from({ length }, (_, at) => low + at * stride)
  return {
    stride,
    counts,
    logWeights: counts.map((count) => lottery.logWeight(arm, count)),
    distances: counts.map((count) => lottery.distance(arm, count)),
  }
}

/** ln Σ weight × e^(tilt × distance). */
function logSumOf({ stride, logWeights, distances }: Samples, tilt: number): number {
  let [greatest, sum] = [-Infinity, 0]
  for (let at = 0; at < logWeights.length; at++) {
    const term = (logWeights[at] ?? 0) + tilt * (distances[at] ?? 0)
    if (term > greatest) {
      sum = sum * Math.exp(greatest - term) + 1
      greatest = term
    } else sum += Math.exp(term - greatest)
  }
  return greatest + Math.log(sum * stride)
}

/** The greatest of the terms, each with the moment of its count. */
function greatestTerm(
  { counts, logWeights, distances }: Samples,
  tilt: number,
  logMoment: (count: number, tilt: number) => number = () => 0,
): number {
  return counts.reduce((greatest, count, at) => {
    const term = (logWeights[at] ?? 0) + tilt * (distances[at] ?? 0) + logMoment(count, tilt)
    return Math.max(greatest, term)
  }, -Infinity)
}

/** The least value of a convex function between 0 and `most`, by golden sections of the logit. */
function leastOver(valueAt: (at: number) => number, most: number): number {
  const golden = (Math.sqrt(5) - 1) / 2
  const value = (logit: number): number => valueAt(most / (1 + Math.exp(-logit)))
  let [low, high] = [-8, 18]
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)]
  let [atLeft, atRight] = [value(left), value(right)]
  for (let step = 0; step < 24; step++) {
    // Infinite on the right where the expected value is.
    if (atLeft <= atRight || atRight === Infinity) {
      ;[high, right, atRight] = [right, left, atLeft]
      left = high - golden * (high - low)
      atLeft = value(left)
    } else {
      ;[low, left, atLeft] = [left, right, atRight]
      right = low + golden * (high - low)
      atRight = value(right)
    }
  }
  return Math.min(atLeft, atRight)
}
