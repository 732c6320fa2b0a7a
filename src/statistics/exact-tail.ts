import {
  binomial,
  hypergeometric,
  logBinomial,
  logLowerTail,
  logSum,
  logUpperTail,
  type CountDistribution,
} from './count-distributions.js'

/** How identities are distributed over arms if a hypothesis is true, and how far a split is from the expected one. */
export interface Lottery {
  readonly arms: number
  readonly total: number
  /** The expected count of the arms `from` up to but not including `to`. */
  readonly expected: (from: number, to: number) => number
  /** How many of the `left` identities, which the earlier arms did not get, this arm gets. */
  readonly draw: (arm: number, left: number) => CountDistribution
  /** What a count in an arm adds to the distance. */
  readonly distance: (arm: number, count: number) => number
  /**
   * The least distance that the arms `from` up to but not including `to` add with this many identities; convex in their
   * number.
   */
  readonly leastDistance: (from: number, to: number, count: number) => number
  /** If the last arm stands for a group of arms: the probability that the group adds at least `more` to its least. */
  readonly withinLast?: (count: number, more: number) => number
}

/** The probability of a split at least this far away. */
export interface ExactTail {
  readonly logPValue: number
  /** If false, the true probability is a little smaller, because distances were rounded up. */
  readonly exact: boolean
}

// The limit of work for one tail, in counts visited: about 50 ms of the first kind, 200 ms of the second.
const enumerationBudget = 2_000_000
const gridBudget = 60_000_000
/** A grid this coarse is not useful. */
const fewestCells = 100

/**
 * The multinomial lottery, with Pearson's statistic as its distance. `shares` sum to 1. With `group`, the last share
 * stands for that many large arms, among which Pearson's statistic is chi-squared: Σ over the group of (nⱼ − eⱼ)² / eⱼ
 * is (m − E)² / E + (m / E) X², where m identities fall on a group that expects E, and X² is Pearson's statistic of the
 * group for those m.
 */
export function multinomialLottery(
  shares: readonly number[],
  total: number,
  withinGroup?: (statistic: number) => number,
): Lottery {
  // From the last, so that the smallest remainders lose no digits to subtraction.
  const from = cumulative(shares.toReversed()).toReversed()
  const upTo = cumulative(shares)
  const expectedOf = (first: number, end: number): number =>
    total * (end === shares.length ? (from[first] ?? 0) : (upTo[end - 1] ?? 0) - (upTo[first - 1] ?? 0))
  const pearson = (count: number, expected: number): number => (count - expected) ** 2 / expected
  const distances = shares.map((share) => total * share)
  return {
    arms: shares.length,
    total,
    expected: expectedOf,
    draw: (arm, left) => {
      const remaining = from[arm] ?? 1
      return binomial(left, (shares[arm] ?? 0) / remaining, (from[arm + 1] ?? 0) / remaining)
    },
    distance: (arm, count) => pearson(count, distances[arm] ?? 0),
    leastDistance: (first, end, count) => pearson(count, expectedOf(first, end)),
    ...(withinGroup === undefined
      ? {}
      : {
          withinLast: (count: number, more: number) =>
            more <= 0 ? 1 : count === 0 ? 0 : withinGroup((more * (distances.at(-1) ?? 0)) / count),
        }),
  }
}

/**
 * The lottery of `drawn` identities from arms of known sizes, with the improbability of the outcome as its distance:
 * Fisher's exact test, for more than two arms that of G. H. Freeman and J. H. Halton, "Note on an Exact Treatment of
 * Contingency, Goodness of Fit and Other Problems of Significance", Biometrika 38 (1951).
 */
export function hypergeometricLottery(sizes: readonly number[], drawn: number): Lottery {
  const upTo = cumulative(sizes)
  const sizeOf = (first: number, end: number): number => (upTo[end - 1] ?? 0) - (upTo[first - 1] ?? 0)
  const all = sizeOf(0, sizes.length)
  // Binomials at the common rate: given their sum, they are the hypergeometric, and they keep the numbers small.
  const [p, q] = [drawn / all, (all - drawn) / all]
  return {
    arms: sizes.length,
    total: drawn,
    expected: (first, end) => drawn * (sizeOf(first, end) / all),
    draw: (arm, left) => hypergeometric(left, sizes[arm] ?? 0, sizeOf(arm + 1, sizes.length)),
    distance: (arm, count) => -logBinomial(count, sizes[arm] ?? 0, p, q),
    leastDistance: (first, end, count) => -logBinomial(count, sizeOf(first, end), p, q),
  }
}

/** Running sums. */
function cumulative(numbers: readonly number[]): number[] {
  let sum = 0
  return numbers.map((number) => (sum += number))
}

/**
 * The probability of an outcome at least as far away as the observed one, over all outcomes. Distances that differ by
 * less than one part in 10⁹ are ties, and ties count.
 *
 * Pass the arms from the smallest to the largest. Two arms need two tails. More arms are enumerated one by one: for
 * each, only the counts that are not too far by themselves are visited, and the rest is a tail. If that costs too much,
 * outcomes of the same distance are added up arm by arm, with distances rounded up to a grid. For equal shares the grid
 * matches the distances and nothing is rounded; otherwise the result is an upper bound.
 *
 * @param far - the distance of the observed outcome, if its counts are not those of these arms
 * @returns null if both would cost too much
 */
export function exactTail(
  lottery: Lottery,
  observed: readonly number[],
  far: number = observed.reduce((sum, count, arm) => sum + lottery.distance(arm, count), 0),
): ExactTail | null {
  const { arms, total } = lottery
  const least = lottery.leastDistance(0, arms, total)
  return tailBeyond(lottery, far - 1e-9 * (far - least) - 1e-12 * Math.abs(far))
}

function tailBeyond(lottery: Lottery, far: number): ExactTail | null {
  const { arms, total } = lottery
  if (lottery.leastDistance(0, arms, total) >= far) return { logPValue: 0, exact: true }
  if (arms === 2 && lottery.withinLast === undefined) {
    const { logLower, logUpper } = nearRange(lottery, 0, total, 0, far)
    return { logPValue: Math.min(0, logSum(logLower, logUpper)), exact: true }
  }
  // Of the last two arms, the first determines the second.
  let outcomes = 1
  for (let arm = 0; arm < arms - 2; arm++) {
    const [low, high] = ownRange(lottery, arm, far)
    outcomes *= high - low + 1
  }
  const enumerated = outcomes / 10 > enumerationBudget ? null : enumeratedTail(lottery, far)
  if (enumerated !== null && enumerated > 0)
    return { logPValue: Math.min(0, Math.log(enumerated)), exact: true }
  const onGrid = gridTail(lottery, far)
  return onGrid === null || onGrid.pValue === 0
    ? null
    : { logPValue: Math.min(0, Math.log(onGrid.pValue)), exact: onGrid.exact }
}

/** The counts of an arm that are near enough for the other arms to decide, and the tails outside them. */
interface NearRange {
  readonly low: number
  readonly high: number
  readonly logLower: number
  readonly logUpper: number
  readonly distribution: CountDistribution
}

function nearRange(lottery: Lottery, arm: number, left: number, spent: number, far: number): NearRange {
  const { arms } = lottery
  const distribution = lottery.draw(arm, left)
  const isNear = (count: number): boolean =>
    spent + lottery.distance(arm, count) + lottery.leastDistance(arm + 1, arms, left - count) < far
  const range = nearCounts(distribution.least, distribution.most, distribution.mean, isNear)
  if (range === null) return { low: 0, high: -1, logLower: 0, logUpper: -Infinity, distribution }
  const [low, high] = range
  return {
    low,
    high,
    logLower: logLowerTail(distribution, low - 1),
    logUpper: logUpperTail(distribution, high + 1),
    distribution,
  }
}

/** The whole numbers, an interval around the mean, for which the condition holds; null if it holds for no number. */
function nearCounts(
  least: number,
  most: number,
  mean: number,
  isNear: (count: number) => boolean,
): readonly [low: number, high: number] | null {
  // The distance is convex, with its minimum at most one from the mean.
  const middle = Math.min(most, Math.max(least, Math.round(mean)))
  const centre = [middle, middle - 1, middle + 1].find((at) => at >= least && at <= most && isNear(at))
  if (centre === undefined) return null
  const edge = (end: number): number => {
    if (isNear(end)) return end
    let [near, away] = [centre, end]
    while (Math.abs(away - near) > 1) {
      const between = Math.round((near + away) / 2)
      if (isNear(between)) near = between
      else away = between
    }
    return near
  }
  return [edge(least), edge(most)]
}

export function enumeratedTail(lottery: Lottery, far: number): number | null {
  const { arms, total, withinLast } = lottery
  const budget = { left: enumerationBudget }
  const beyond = (arm: number, identities: number, spent: number): number => {
    const { low, high, logLower, logUpper, distribution } = nearRange(lottery, arm, identities, spent, far)
    let sum = Math.exp(logLower) + Math.exp(logUpper)
    budget.left -= 100 + (high - low) * (withinLast === undefined ? 1 : 20)
    const isLast = arm === arms - 2
    if (isLast && withinLast === undefined) return sum
    let probability = low > high ? 0 : Math.exp(distribution.logProbability(low))
    for (let count = low; count <= high && budget.left > 0; count++) {
      const rest = identities - count
      const near = spent + lottery.distance(arm, count)
      sum +=
        probability *
        (isLast
          ? (withinLast?.(rest, far - near - lottery.leastDistance(arm + 1, arms, rest)) ?? 0)
          : beyond(arm + 1, rest, near))
      probability *= distribution.growth(count)
    }
    return sum
  }
  const sum = beyond(0, total, 0)
  return budget.left > 0 ? sum : null
}

/** The outcomes that gave the arms so far the same number of identities, grouped by distance. */
interface Row {
  /** The distance of the first cell. */
  readonly origin: number
  /** The probability of each distance. */
  readonly cells: Float64Array
}

export function gridTail(
  lottery: Lottery,
  far: number,
): { readonly pValue: number; readonly exact: boolean } | null {
  const { arms, total, withinLast } = lottery
  // The possible totals of the arms so far, arm by arm.
  const ranges: (readonly [number, number])[] = []
  for (let end = 1; end < arms; end++) {
    const isNear = (count: number): boolean =>
      lottery.leastDistance(0, end, count) + lottery.leastDistance(end, arms, total - count) < far
    const range = nearCounts(0, total, lottery.expected(0, end), isNear)
    if (range === null) return { pValue: 1, exact: true }
    ranges.push(range)
  }
  const width = (range: readonly [number, number] | undefined): number =>
    range ? range[1] - range[0] + 1 : 1
  // A row's counts of the next arm are at most that arm's own range, from 0.
  const pairs = ranges.reduce((sum, range, at) => {
    const own = width(ownRange(lottery, at, far))
    return sum + width(ranges[at - 1]) * Math.min(own, width(range))
  }, 0)
  const span = far - lottery.leastDistance(0, arms, total)
  const lastRow = withinLast === undefined ? Infinity : 30_000 / width(ranges.at(-1))
  const affordable = Math.floor(Math.min(gridBudget / pairs, lastRow, 4096))
  if (affordable < fewestCells) return null
  const lattice = latticeOf(lottery)
  const exact = lattice !== null && span / lattice <= affordable && withinLast === undefined
  const step = exact && lattice !== null ? lattice : span / affordable

  let pValue = 0
  let rows = new Map<number, Row>([[0, { origin: 0, cells: Float64Array.of(1) }]])
  for (let arm = 0; arm < arms - 1; arm++) {
    const next = new Map<number, { origin: number; cells: Float64Array }>()
    const [lowest, highest] = ranges[arm] ?? [0, 0]
    const isLast = arm === arms - 2
    for (const [used, { origin, cells }] of rows) {
      const distribution = lottery.draw(arm, total - used)
      const low = Math.max(distribution.least, lowest - used)
      const high = Math.min(distribution.most, highest - used)
      const suffix = suffixSums(cells)
      const whole = suffix[0] ?? 0
      if (whole === 0) continue
      /* v8 ignore next 4 -- no outcome is known for which the arms so far are near and no count of this one is. */
      if (low > high) {
        pValue += whole
        continue
      }
      pValue +=
        whole *
        (Math.exp(logLowerTail(distribution, low - 1)) + Math.exp(logUpperTail(distribution, high + 1)))
      let probability = Math.exp(distribution.logProbability(low))
      for (let count = low; count <= high; probability *= distribution.growth(count), count++) {
        const after = used + count
        const first = origin + lottery.distance(arm, count)
        const room = far - lottery.leastDistance(arm + 1, arms, total - after)
        // Cells from here on are too far, whatever the other arms get.
        let row = next.get(after)
        if (row === undefined) {
          const least = lottery.leastDistance(0, arm + 1, after)
          const below = Math.floor((first - least) / step + 1e-6)
          const start = first - below * step
          const length = Math.max(0, Math.ceil((room - start) / step - 1e-9))
          row = {
            origin: start,
            cells: new Float64Array(isLast && withinLast === undefined ? 0 : length),
          }
          next.set(after, row)
        }
        const offset = Math.ceil((first - row.origin) / step - 1e-6)
        const end = Math.min(cells.length, Math.max(0, Math.ceil((room - row.origin) / step - 1e-9) - offset))
        pValue += probability * (suffix[end] ?? 0)
        if (isLast && withinLast === undefined) continue
        const target = row.cells
        for (let cell = 0; cell < end; cell++) {
          target[cell + offset] = (target[cell + offset] ?? 0) + probability * (cells[cell] ?? 0)
        }
      }
    }
    rows = next
  }
  if (withinLast !== undefined) {
    for (const [used, { origin, cells }] of rows) {
      const room = far - lottery.leastDistance(arms - 1, arms, total - used)
      cells.forEach((probability, cell) => {
        if (probability > 0) pValue += probability * withinLast(total - used, room - origin - cell * step)
      })
    }
  }
  return { pValue, exact }
}

/** The counts that an arm may have before it alone is too far. */
function ownRange(
  { total, expected, distance }: Lottery,
  arm: number,
  far: number,
): readonly [number, number] {
  return nearCounts(0, total, expected(arm, arm + 1), (count) => distance(arm, count) < far) ?? [0, total]
}

/**
 * The step between the distances of equal arms: Σ (n − e)² / e moves in steps of 2 / e if Σ n is fixed. Null for
 * unequal arms.
 */
function latticeOf(lottery: Lottery): number | null {
  const at = (arm: number, count: number): number => lottery.distance(arm, count)
  // The second difference of (n − e)² / e is 2 / e, whatever n.
  const steps = Array.from({ length: lottery.arms - 1 }, (_, arm) => at(arm, 2) - 2 * at(arm, 1) + at(arm, 0))
  const [first = 0] = steps
  const isSquare = Math.abs(at(0, 4) - 2 * at(0, 3) + at(0, 2) - first) < 1e-9 * first
  return isSquare && steps.every((step) => Math.abs(step - first) < 1e-9 * first) ? first : null
}

/** The sums from each cell to the end, and 0 after it. */
function suffixSums(cells: Float64Array): Float64Array {
  const sums = new Float64Array(cells.length + 1)
  for (let cell = cells.length - 1; cell >= 0; cell--) sums[cell] = (sums[cell + 1] ?? 0) + (cells[cell] ?? 0)
  return sums
}
