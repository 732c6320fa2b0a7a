import { logLowerTail, logSum, logUpperTail, type CountDistribution } from './count-distributions.js'
import { exponentialBound } from './exponential-bound.js'
import { nearCounts, ownRange, type Lottery } from './lottery.js'

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
/** Sums of probabilities below this have lost terms that no double holds. */
const leastSum = 1e-290

/**
 * The probability of an outcome at least as far away as the observed one, over all outcomes. Distances that differ by
 * less than one part in 10⁹ are ties, and ties count.
 *
 * Pass the arms from the smallest to the largest. Two arms need two tails. More arms are enumerated one by one: for
 * each, only the counts that are not too far by themselves are visited, and the rest is a tail. If that costs too much,
 * outcomes of the same distance are added up arm by arm, with distances rounded up to a grid. For equal shares the grid
 * matches the distances and nothing is rounded; otherwise the result is an upper bound. If the grid costs too much too,
 * the result is a looser bound.
 *
 * @param far - the distance of the observed outcome
 */
export function exactTail(lottery: Lottery, far: number): ExactTail {
  const { arms, total } = lottery
  const least = lottery.leastDistance(0, arms, total)
  return tailBeyond(lottery, far - 1e-9 * (far - least) - 1e-12 * Math.abs(far))
}

function tailBeyond(lottery: Lottery, far: number): ExactTail {
  const { arms, total } = lottery
  if (lottery.leastDistance(0, arms, total) >= far) return { logPValue: 0, exact: true }
  if (arms === 2 && lottery.group === undefined) {
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
  if (enumerated !== null && enumerated > leastSum)
    return { logPValue: Math.min(0, Math.log(enumerated)), exact: true }
  const onGrid = gridTail(lottery, far)
  return onGrid !== null && onGrid.pValue > leastSum
    ? { logPValue: Math.min(0, Math.log(onGrid.pValue)), exact: onGrid.exact }
    : { logPValue: boundedTail(lottery, far), exact: false }
}

/** A bound of the logarithm, if every outcome as far away would cost too much. */
function boundedTail(lottery: Lottery, far: number): number {
  const { arms, total, mostTilt } = lottery
  const bound = exponentialBound(lottery, far)
  // More outcomes are at least a little less far away, and the grid costs less. Up to the distance that is expected,
  // nearly all are; and so far below any threshold there is nothing to gain.
  let near = lottery.leastDistance(0, arms, total) + (arms - 1) / (2 * mostTilt)
  if (bound < Math.log(1e-12) || near >= far || gridOf(lottery, near) === null) return bound
  let away = far
  for (let step = 0; step < 20; step++) {
    const between = (near + away) / 2
    if (gridOf(lottery, between) === null) away = between
    else near = between
  }
  const onGrid = gridTail(lottery, near)
  return Math.min(bound, Math.log(onGrid?.pValue ?? 1))
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

export function enumeratedTail(lottery: Lottery, far: number): number | null {
  const { arms, total, group } = lottery
  const budget = { left: enumerationBudget }
  const beyond = (arm: number, identities: number, spent: number): number => {
    const { low, high, logLower, logUpper, distribution } = nearRange(lottery, arm, identities, spent, far)
    let sum = Math.exp(logLower) + Math.exp(logUpper)
    budget.left -= 100 + (high - low) * (group === undefined ? 1 : 20)
    const isLast = arm === arms - 2
    if (isLast && group === undefined) return sum
    const first = firstHeld(distribution, low, high)
    let probability = first > high ? 0 : Math.exp(distribution.logProbability(first))
    for (let count = first; count <= high && budget.left > 0; count++) {
      const rest = identities - count
      const near = spent + lottery.distance(arm, count)
      sum +=
        probability *
        (isLast
          ? (group?.within(rest, far - near - lottery.leastDistance(arm + 1, arms, rest)) ?? 0)
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

/** How the grid of a tail is made. */
interface Grid {
  /** The possible totals of the arms so far, arm by arm. */
  readonly ranges: readonly (readonly [number, number])[]
  readonly step: number
  readonly exact: boolean
}

/** The grid for the tail beyond this distance; null if it would cost too much. */
function gridOf(lottery: Lottery, far: number): Grid | null {
  const { arms, total, group } = lottery
  const ranges: (readonly [number, number])[] = []
  for (let end = 1; end < arms; end++) {
    const isNear = (count: number): boolean =>
      lottery.leastDistance(0, end, count) + lottery.leastDistance(end, arms, total - count) < far
    const range = nearCounts(0, total, lottery.expected(0, end), isNear)
    if (range === null) return { ranges: [], step: 1, exact: true }
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
  const lastRow = group === undefined ? Infinity : 30_000 / width(ranges.at(-1))
  const affordable = Math.floor(Math.min(gridBudget / pairs, lastRow, 4096))
  if (affordable < fewestCells) return null
  const lattice = latticeOf(lottery)
  const exact = lattice !== null && span / lattice <= affordable && group === undefined
  return { ranges, step: exact && lattice !== null ? lattice : span / affordable, exact }
}

export function gridTail(
  lottery: Lottery,
  far: number,
): { readonly pValue: number; readonly exact: boolean } | null {
  const { arms, total, group } = lottery
  const grid = gridOf(lottery, far)
  if (grid === null) return null
  const { ranges, step, exact } = grid
  if (ranges.length === 0) return { pValue: 1, exact }

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
      const held = firstHeld(distribution, low, high)
      let probability = Math.exp(distribution.logProbability(held))
      for (let count = held; count <= high; probability *= distribution.growth(count), count++) {
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
            cells: new Float64Array(isLast && group === undefined ? 0 : length),
          }
          next.set(after, row)
        }
        const offset = Math.ceil((first - row.origin) / step - 1e-6)
        const end = Math.min(cells.length, Math.max(0, Math.ceil((room - row.origin) / step - 1e-9) - offset))
        pValue += probability * (suffix[end] ?? 0)
        if (isLast && group === undefined) continue
        const target = row.cells
        for (let cell = 0; cell < end; cell++) {
          target[cell + offset] = (target[cell + offset] ?? 0) + probability * (cells[cell] ?? 0)
        }
      }
    }
    rows = next
  }
  if (group !== undefined) {
    for (const [used, { origin, cells }] of rows) {
      const room = far - lottery.leastDistance(arms - 1, arms, total - used)
      cells.forEach((probability, cell) => {
        if (probability > 0) pValue += probability * group.within(total - used, room - origin - cell * step)
      })
    }
  }
  return { pValue, exact }
}

/**
 * The first count from `low` whose probability is large enough for a double, or `high + 1` without such a count. The
 * probabilities of the counts after it follow from its own. The counts before it are too improbable to change the sum.
 */
function firstHeld({ logProbability, mean }: CountDistribution, low: number, high: number): number {
  const isHeld = (count: number): boolean => logProbability(count) > -700
  if (low > high || isHeld(low)) return low
  let [lost, held] = [low, Math.min(high, Math.max(low, Math.round(mean)))]
  if (!isHeld(held)) return high + 1
  while (held - lost > 1) {
    const between = Math.floor((lost + held) / 2)
    if (isHeld(between)) held = between
    else lost = between
  }
  return held
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
