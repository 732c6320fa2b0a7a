import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { describe, expect, test } from 'vitest'
import {
  assignedRatio,
  crossoverBias,
  sampleRatio,
  sampleRatioBySlice,
  sampleRatioOnset,
  sequentialSampleRatio,
  uniformPValues,
} from 'first-exposure/statistics'
// Inside the package only: no public function takes a statistic.
import { multinomialTail } from '../../src/statistics/evidence.js'

// Simulated experiments, the same ones in every run. A rate over n experiments is allowed four standard deviations
// from what theory says: a right test would leave them once in 16,000 seeds.
const allowance = (rate: number, experiments: number) => 4 * Math.sqrt((rate * (1 - rate)) / experiments)

/** Splits identities over arms in proportion to the weights, one by one. */
function splitter(seed: number, weights: readonly number[]): (identities: number) => number[] {
  const generator = xoroshiro128plus(seed)
  const sum = weights.reduce((a, b) => a + b)
  let reached = 0
  const bounds = weights.map((weight) => ((reached += weight) / sum) * 2 ** 32)
  return (identities) => {
    const counts = weights.map(() => 0)
    for (let i = 0; i < identities; i++) {
      const drawn = generator.next() >>> 0
      const arm = bounds.findIndex((bound) => drawn < bound)
      counts[arm] = (counts[arm] ?? 0) + 1
    }
    return counts
  }
}

/** A fair coin, 32 identities a draw: the bits that are set. */
function coin(seed: number): (draws: number) => [number, number] {
  const generator = xoroshiro128plus(seed)
  return (draws) => {
    let set = 0
    for (let i = 0; i < draws; i++) {
      let bits = generator.next()
      bits -= (bits >>> 1) & 0x55555555
      bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
      bits = (bits + (bits >>> 4)) & 0x0f0f0f0f
      set += Math.imul(bits, 0x01010101) >>> 24
    }
    return [set, 32 * draws - set]
  }
}

const named = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, arm) => [`arm ${arm}`, n]))
const steps = (counts: readonly (readonly number[])[]) =>
  counts.map((increment, hour) => ({
    start: new Date(Date.UTC(2026, 5, 1, hour)).toISOString(),
    newIdentities: named(increment),
  }))

/** The share of experiments for which it holds. */
function rate(experiments: number, holds: (experiment: number) => boolean): number {
  let held = 0
  for (let i = 0; i < experiments; i++) if (holds(i)) held++
  return held / experiments
}

describe('the level of many arms, by enumeration', () => {
  /** The smallest of these statistics that is a mismatch: the greater the statistic, the smaller the p-value. */
  const critical = (statistics: readonly number[], shares: readonly number[], total: number): number => {
    const ascending = [...new Set(statistics)].sort((a, b) => a - b)
    const isMismatch = (statistic: number) =>
      multinomialTail([total, ...shares.slice(1).map(() => 0)], shares, statistic, 0.001).logPValue <
      Math.log(0.001)
    let [low, high] = [0, ascending.length - 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (isMismatch(ascending[middle] ?? NaN)) high = middle
      else low = middle + 1
    }
    return ascending[high] ?? NaN
  }

  test.each([[[1, 1, 1]], [[90, 5, 5]], [[98, 1, 1]], [[99, 0.5, 0.5]], [[50, 49, 1]], [[60, 30, 10]]])(
    'three arms, %j, of up to 200 identities',
    (weights) => {
      const all = weights.reduce((a, b) => a + b)
      const shares = weights.map((weight) => weight / all)
      const [p = 0, q = 0, r = 0] = shares
      for (const total of [20, 50, 100, 150, 200]) {
        const factorials = [0]
        for (let n = 1; n <= total; n++) factorials.push((factorials[n - 1] ?? 0) + Math.log(n))
        const ways = (n: number, share: number) => n * Math.log(share) - (factorials[n] ?? 0)
        const part = (n: number, share: number) => (n - total * share) ** 2 / (total * share)
        const outcomes: { statistic: number; probability: number }[] = []
        for (let a = 0; a <= total; a++) {
          for (let b = 0; a + b <= total; b++) {
            const c = total - a - b
            outcomes.push({
              statistic: part(a, p) + part(b, q) + part(c, r),
              probability: Math.exp((factorials[total] ?? 0) + ways(a, p) + ways(b, q) + ways(c, r)),
            })
          }
        }
        const far = critical(
          outcomes.map(({ statistic }) => statistic),
          shares,
          total,
        )
        const level = outcomes.reduce((sum, each) => sum + (each.statistic >= far ? each.probability : 0), 0)
        expect(level, String(total)).toBeLessThanOrEqual(0.001)
        if (total >= 100) expect(level, String(total)).toBeGreaterThan(0.0005)
      }
    },
  )

  test.each([50, 100, 200])('ten equal arms, of %d identities', (total) => {
    // By Σ n², arm by arm, with Poisson counts of the same mean: given their sum they are multinomial.
    const mean = total / 10
    const most = Math.ceil(mean + 12 * Math.sqrt(mean) + 10)
    const cap = Math.ceil(total * mean + 60 * mean)
    const poisson = [Math.exp(-mean)]
    for (let n = 1; n <= most; n++) poisson.push(((poisson[n - 1] ?? 0) * mean) / n)
    let sums = Array.from({ length: total + 1 }, () => new Float64Array(0))
    sums[0] = Float64Array.of(1)
    for (let arm = 0; arm < 10; arm++) {
      const next = Array.from({ length: total + 1 }, () => new Float64Array(cap + 1))
      for (const [used, row] of sums.entries()) {
        if (row.length === 0) continue
        for (let n = 0; n <= most && used + n <= total; n++) {
          const target = next[used + n] ?? row
          const weight = poisson[n] ?? 0
          const last = Math.min(row.length, cap + 1 - n * n)
          for (let squares = 0; squares < last; squares++) {
            const probability = row[squares] ?? 0
            if (probability > 0)
              target[squares + n * n] = (target[squares + n * n] ?? 0) + weight * probability
          }
        }
      }
      sums = next
    }
    let whole = Math.exp(-total)
    for (let n = 1; n <= total; n++) whole *= total / n
    const row = sums[total] ?? new Float64Array(0)
    const squares = [...row.keys()].filter((at) => (row[at] ?? 0) > 0)
    const statisticOf = (at: number) => at / mean - total
    const far = critical(
      squares.map(statisticOf),
      Array.from({ length: 10 }, () => 0.1),
      total,
    )
    // What is not below it, cut or not.
    const below = squares.filter((at) => statisticOf(at) < far).reduce((sum, at) => sum + (row[at] ?? 0), 0)
    const level = 1 - below / whole
    expect(level).toBeLessThanOrEqual(0.001)
    expect(level).toBeGreaterThan(0.0008)
  })
})

describe('with the expected shares', () => {
  test.each([
    [0.05, [1, 1], 2000, 4000],
    [0.01, [1, 1], 2000, 4000],
    [0.05, [50, 30, 20], 2000, 4000],
    [0.01, [50, 30, 20], 2000, 4000],
  ])('one look reports a mismatch at its level: %d of %j', (threshold, weights, identities, experiments) => {
    const split = splitter(1, weights)
    const rejected = rate(experiments, () => {
      const { status } = sampleRatio(named(split(identities)), named(weights), { threshold })
      return status === 'mismatch'
    })
    expect(Math.abs(rejected - threshold)).toBeLessThan(allowance(threshold, experiments))
  })

  test('one look at 0.001, in 40,000 experiments', () => {
    const flip = coin(2)
    const rejected = rate(40_000, () => sampleRatio(named(flip(100)), named([1, 1])).status === 'mismatch')
    expect(Math.abs(rejected - 0.001)).toBeLessThan(allowance(0.001, 40_000))
  })

  test('p-values of one look are uniform over experiments, and those of a split that is off are not', () => {
    const pValues = (weights: readonly number[]) => {
      const split = splitter(20, weights)
      return Array.from({ length: 500 }, () => sampleRatio(named(split(2000)), named([1, 1])).pValue ?? NaN)
    }
    expect(uniformPValues(pValues([1, 1])).status).toBe('uniform')
    expect(uniformPValues(pValues([51.5, 48.5])).status).toBe('too-small')
  })

  // What a right split of 99 : 1 does to a test of 128 identities: Pearson's tail says 0.001 and keeps 0.03.
  test('one look at few identities of a small arm reports one at most at its level', () => {
    const split = splitter(21, [99, 1])
    let pearson = 0
    const rejected = rate(4000, () => {
      const { status, statistic } = sampleRatio(named(split(128)), named([99, 1]))
      if ((statistic ?? 0) > 10.8276) pearson++
      return status === 'mismatch'
    })
    expect(rejected).toBeLessThan(0.001 + allowance(0.001, 4000))
    expect(pearson / 4000).toBeGreaterThan(0.005)
  })

  test('looking after every bucket, with the mean of five concentrations, reports one at most at its level', () => {
    for (const [seed, weights, rare] of [
      [22, [1, 1], 0.03],
      [23, [50, 30, 20], 0.035],
    ] as const) {
      const split = splitter(seed, weights)
      const experiments = 400
      const rejected = rate(experiments, () => {
        const hours = Array.from({ length: 168 }, () => split(10))
        return sequentialSampleRatio(steps(hours), named(weights), { threshold: 0.05 }).status === 'mismatch'
      })
      expect(rejected).toBeLessThan(rare + allowance(rare, experiments))
      expect(rejected).toBeGreaterThan(0)
    }
  })

  test('a change is found in right splits at most at its level, and where it is in others nearly always', () => {
    const split = splitter(24, [1, 1])
    const off = splitter(25, [55, 45])
    const onset = (days: readonly number[][], threshold: number) =>
      sampleRatioOnset(steps(days), named([1, 1]), { threshold }).onset?.start
    const right = rate(
      400,
      () =>
        onset(
          Array.from({ length: 14 }, () => split(200)),
          0.05,
        ) !== undefined,
    )
    expect(right).toBeLessThan(0.05 + allowance(0.05, 400))
    const from = Date.UTC(2026, 5, 1, 7)
    const found = rate(100, () => {
      const start = onset(
        Array.from({ length: 14 }, (_, day) => (day < 7 ? split : off)(1000)),
        0.001,
      )
      return start !== undefined && Math.abs(Date.parse(start) - from) <= 3_600_000
    })
    expect(found).toBeGreaterThan(0.8)
  })

  // 336 hourly buckets are two weeks. The concentration moves where the test is strong, never its promise.
  test.each([
    [0.05, 10_000],
    [0.05, 100],
    [0.01, 10_000],
    [0.001, 100],
  ])(
    'looking after every bucket reports one at most at its level: %d, concentration %d',
    (threshold, concentration) => {
      const flip = coin(3)
      const experiments = 600
      let peeked = 0
      const rejected = rate(experiments, () => {
        const hours = Array.from({ length: 336 }, () => flip(10))
        // What looking at the other test every day would do.
        let [a, b] = [0, 0]
        const daily = hours.some(([x, y], hour) => {
          ;[a, b] = [a + x, b + y]
          return (
            hour % 24 === 23 && sampleRatio({ a, b }, { a: 1, b: 1 }, { threshold }).status === 'mismatch'
          )
        })
        if (daily) peeked++
        const options = { threshold, concentration }
        return sequentialSampleRatio(steps(hours), named([1, 1]), options).status === 'mismatch'
      })
      expect(rejected).toBeLessThan(threshold + allowance(threshold, experiments))
      // The simulation can tell: fourteen looks at the other test break its promise.
      if (threshold === 0.05)
        expect(peeked / experiments).toBeGreaterThan(0.05 + allowance(0.05, experiments))
    },
  )
})

// With N identities split 49 : 51, the signed root of Pearson's statistic is normal with mean 2 · 0.01 · √N and
// variance 1 (very nearly: 4 · 0.49 · 0.51).
describe('with 49 : 51 where 50 : 50 is expected', () => {
  test('one look finds nine in ten at 52,260 identities, as theory says', () => {
    // 3.2905 is the two-sided 0.001 quantile, 1.2816 the 0.9 quantile: N = ((3.2905 + 1.2816) / 0.02)² = 52,260.
    const split = splitter(4, [49, 51])
    const experiments = 400
    const found = rate(
      experiments,
      () => sampleRatio(named(split(52_260)), named([1, 1])).status === 'mismatch',
    )
    expect(Math.abs(found - 0.9)).toBeLessThan(allowance(0.9, experiments))
  })

  test('looking after every bucket finds nine in ten by 80,592 identities, as theory says', () => {
    // For two arms and N of the order of A = 10,000, ln BF ≈ ½ ln(A / (A + N)) + ½ X² N / (A + N), X² Pearson's
    // statistic (the normal approximation to both Gammas). It exceeds ln 1000 where
    // |X| > √((2 ln 1000 + ln((A + N) / A)) (A + N) / N) = 4.244 at N = 80,592, nine in ten of them as
    // 0.02 √80,592 − 4.244 = 1.434 ≥ 1.2816, Φ(1.434) = 0.924. Earlier looks can only add to that.
    const split = splitter(5, [49, 51])
    const experiments = 250
    const found = rate(experiments, () => {
      const buckets = Array.from({ length: 24 }, () => split(3358))
      return sequentialSampleRatio(steps(buckets), named([1, 1])).status === 'mismatch'
    })
    expect(found).toBeGreaterThan(0.924 - allowance(0.924, experiments))
  })
})

describe('with a ramp from 10 to 50 %', () => {
  const ramp = [
    { shares: named([90, 10]) },
    { from: Date.UTC(2026, 5, 1, 1), shares: named([50, 50]) },
    { from: Date.UTC(2026, 5, 1, 2), shares: named([20, 80]) },
  ]
  const withEnds = (counts: readonly (readonly number[])[]) =>
    steps(counts).map((step) => ({
      ...step,
      end: new Date(Date.parse(step.start) + 3_600_000).toISOString(),
    }))

  test.each([0.05, 0.01])('one look reports a mismatch at its level: %d', (threshold) => {
    const experiments = 3000
    const splits = [splitter(6, [90, 10]), splitter(7, [50, 50]), splitter(8, [20, 80])]
    const rejected = rate(experiments, () => {
      const counts = withEnds(splits.map((split, phase) => split(500 * (phase + 1))))
      return sampleRatio(counts, ramp, { threshold }).status === 'mismatch'
    })
    // Two tests share the threshold, and where both speak it is not used up.
    expect(rejected).toBeLessThan(threshold + allowance(threshold, experiments))
    expect(rejected).toBeGreaterThan(threshold / 2 - allowance(threshold, experiments))
  })

  test('phases with a handful of identities are no false alarm', () => {
    // Where 1 of 100 is expected in an arm, a phase of twenty would be called a mismatch by its first identity there.
    const experiments = 2000
    const [few, many] = [splitter(9, [99, 1]), splitter(10, [50, 50])]
    const phases = [{ shares: named([99, 1]) }, { from: Date.UTC(2026, 5, 1, 1), shares: named([50, 50]) }]
    let alarms = 0
    const rejected = rate(experiments, () => {
      const counts = withEnds([few(20), many(400)])
      const { status, statistic } = sampleRatio(counts, phases, { threshold: 0.01 })
      // 9.2103 is the 0.01 quantile with 2 degrees of freedom.
      if ((statistic ?? 0) > 9.2103) alarms++
      return status === 'mismatch'
    })
    expect(rejected).toBeLessThan(0.01 + allowance(0.01, experiments))
    // The simulation can tell: the chi-squared tail of the sum breaks the promise.
    expect(alarms / experiments).toBeGreaterThan(0.01 + allowance(0.01, experiments))
  })

  test('looking after every bucket reports one at most at its level', () => {
    const experiments = 600
    const [before, after] = [splitter(11, [90, 10]), splitter(12, [50, 50])]
    const phases = [{ shares: named([90, 10]) }, { from: Date.UTC(2026, 5, 1, 20), shares: named([50, 50]) }]
    const rejected = rate(experiments, () => {
      const counts = Array.from({ length: 60 }, (_, hour) => (hour < 20 ? before(60) : after(60)))
      const options = { threshold: 0.05, concentration: 100 }
      return sequentialSampleRatio(withEnds(counts), phases, options).status === 'mismatch'
    })
    expect(rejected).toBeLessThan(0.05 + allowance(0.05, experiments))
    expect(rejected).toBeGreaterThan(0)
  })
})

describe('over the slices of a breakdown', () => {
  const slices = (counts: readonly (readonly number[])[]) => ({
    slices: counts.map((count, i) => ({
      value: String(i),
      summary: {
        timeseries: {
          granularity: 'hour' as const,
          timeZone: 'UTC',
          points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: named(count) }],
        },
      },
    })),
    other: null,
  })

  test('any right one is called a mismatch at most at the level of the family', () => {
    const experiments = 1500
    const flip = coin(13)
    let uncorrected = 0
    const rejected = rate(experiments, () => {
      const result = sampleRatioBySlice(slices(Array.from({ length: 10 }, () => flip(12))), named([1, 1]), {
        threshold: 0.05,
      })
      if (result.slices.some(({ pValue }) => (pValue ?? 1) < 0.05)) uncorrected++
      return result.status === 'mismatch'
    })
    expect(rejected).toBeLessThan(0.05 + allowance(0.05, experiments))
    expect(rejected).toBeGreaterThan(0.02)
    // The simulation can tell: 1 − 0.95¹⁰ is 0.4.
    expect(uncorrected / experiments).toBeGreaterThan(0.3)
  })

  test('a broken one is found among right ones, and they are not blamed', () => {
    const experiments = 300
    const [right, broken] = [splitter(14, [50, 50]), splitter(15, [40, 60])]
    let blamed = 0
    const found = rate(experiments, () => {
      const counts = Array.from({ length: 10 }, (_, i) => (i === 3 ? broken(1500) : right(1500)))
      const result = sampleRatioBySlice(slices(counts), named([1, 1]))
      if (result.slices.some(({ status }, i) => i !== 3 && status === 'mismatch')) blamed++
      return result.slices[3]?.status === 'mismatch'
    })
    expect(found).toBeGreaterThan(0.99)
    expect(blamed / experiments).toBeLessThan(0.001 + allowance(0.001, experiments))
  })
})

describe('of quarantine', () => {
  // Of 60 : 40 and 20,000 identities one in a hundred is quarantined, whatever its first variant.
  const quarantine = splitter(16, [60 * 0.99, 60 * 0.01, 40 * 0.99, 40 * 0.01])
  const uneven = splitter(17, [60 * 0.99, 60 * 0.01, 40 * 0.98, 40 * 0.02])
  const counts = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]) => ({
    counted: named([a, c]),
    quarantined: named([b, d]),
  })

  test.each([0.05, 0.01])('one look at an even one reports a mismatch at its level: %d', (threshold) => {
    const experiments = 1000
    const rejected = rate(experiments, () => {
      return crossoverBias(counts(quarantine(20_000)), { threshold }).status === 'mismatch'
    })
    expect(Math.abs(rejected - threshold)).toBeLessThan(allowance(threshold, experiments))
  })

  test('one that takes 2 in a hundred of one arm and 1 of the other is found, small as it is', () => {
    // 12,000 and 8,000 begin, 1.4 % are quarantined: the difference of 1 % has a standard deviation of 0.1696 % under
    // the null and of 0.1810 % here. Φ((1 − 3.2905 · 0.1696) / 0.1810) = Φ(2.442) = 0.9927.
    const experiments = 400
    const found = rate(experiments, () => crossoverBias(counts(uneven(20_000))).status === 'mismatch')
    expect(Math.abs(found - 0.9927)).toBeLessThan(allowance(0.9927, experiments))
  })
})

describe('a ramp by hash, from 90 : 10 to 50 : 50, to which a third of the identities come back', () => {
  const generator = xoroshiro128plus(26)
  const uniform = () => (generator.next() >>> 0) / 2 ** 32
  const phases = [{ shares: named([90, 10]) }, { from: Date.UTC(2026, 5, 1, 1), shares: named([50, 50]) }]
  const hour = (at: number, newIdentities: Record<string, number>) => ({
    start: new Date(Date.UTC(2026, 5, 1, at)).toISOString(),
    end: new Date(Date.UTC(2026, 5, 1, at + 1)).toISOString(),
    newIdentities,
  })

  test('quarantine is uneven 20 of 20 times, and the split as assigned never off', () => {
    let [uneven, off] = [0, 0]
    for (let experiment = 0; experiment < 20; experiment++) {
      const counted = [named([0, 0]), named([0, 0])]
      const quarantined = named([0, 0])
      const add = (counts: Record<string, number> | undefined, arm: string) => {
        if (counts !== undefined) counts[arm] = (counts[arm] ?? 0) + 1
      }
      for (let i = 0; i < 6000; i++) {
        const [hash, isEarly] = [uniform(), i < 3000]
        const [first, then] = [
          hash < (isEarly ? 0.9 : 0.5) ? 'arm 0' : 'arm 1',
          hash < 0.5 ? 'arm 0' : 'arm 1',
        ]
        const crosses = isEarly && first !== then && uniform() < 1 / 3
        add(crosses ? quarantined : counted[isEarly ? 0 : 1], first)
      }
      const [before = {}, after = {}] = counted
      const totals = Object.fromEntries(
        Object.keys(before).map((arm) => [arm, (before[arm] ?? 0) + (after[arm] ?? 0)]),
      )
      if (crossoverBias({ counted: totals, quarantined }).status === 'mismatch') uneven++
      const counts = { counted: [hour(0, before), hour(1, after)], quarantined: [hour(0, quarantined)] }
      if (assignedRatio(counts, phases).status === 'mismatch') off++
    }
    expect([uneven, off]).toEqual([20, 0])
  })
})

test('quarantine of a handful of identities reports a mismatch at most at its level', () => {
  // 3,000 identities of 99.5 : 0.5, one in fifty quarantined: 0.3 of the small arm.
  const split = splitter(27, [99.5 * 0.98, 99.5 * 0.02, 0.5 * 0.98, 0.5 * 0.02])
  const experiments = 2000
  let pearson = 0
  const rejected = rate(experiments, () => {
    const [a = 0, b = 0, c = 0, d = 0] = split(3000)
    const result = crossoverBias({ counted: named([a, c]), quarantined: named([b, d]) }, { threshold: 0.01 })
    // 6.6349 is the 0.01 quantile with one degree of freedom.
    if ((result.statistic ?? 0) > 6.6349) pearson++
    return result.status === 'mismatch'
  })
  expect(rejected).toBeLessThan(0.01 + allowance(0.01, experiments))
  expect(pearson / experiments).toBeGreaterThan(0.01 + allowance(0.01, experiments))
})
