import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import {
  sampleRatio,
  sampleRatioBySlice,
  sampleRatioOnset,
  sequentialSampleRatio,
  type SampleRatioResult,
} from 'first-exposure/statistics'

/** One table of figures, ready to print. */
export interface CalibrationTable {
  readonly name: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

type Counts = readonly number[]

const named = (numbers: Counts): Record<string, number> =>
  Object.fromEntries(numbers.map((number, arm) => [String(arm), number]))
const sum = (numbers: Counts): number => numbers.reduce((a, b) => a + b, 0)
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.01 ? 3 : 1)} %`

/**
 * How often do the checks report what is not there, and how soon what is? Levels by enumeration and by simulation, with a
 * generator of its own for each, so that every run prints the same.
 */
export function calibrationTables(step: (title: string) => void): readonly CalibrationTable[] {
  return [levels, families, sizes, looks, power, phases, onsets].map((table) => {
    step(table.name)
    return table()
  })
}

/** The number of tables. */
export const calibrationSteps = 7

/** Splits identities over arms by drawing binomials arm by arm. */
function splitter(seed: number): (identities: number, weights: Counts) => number[] {
  const generator = xoroshiro128plus(seed)
  const uniform = (): number => (generator.next() >>> 0) / 2 ** 32
  return (identities, weights) => {
    const all = sum(weights)
    const counts = weights.map(() => 0)
    for (let i = 0; i < identities; i++) {
      let at = uniform() * all
      const arm = weights.findIndex((weight) => (at -= weight) < 0)
      counts[Math.max(0, arm)] = (counts[Math.max(0, arm)] ?? 0) + 1
    }
    return counts
  }
}

/** The probabilities of a binomial, by their ratios from the mean out. */
function binomialProbabilities(total: number, share: number): Float64Array {
  const probabilities = new Float64Array(total + 1)
  const mode = Math.min(total, Math.floor((total + 1) * share))
  probabilities[mode] = 1
  const odds = share / (1 - share)
  for (let n = mode; n < total; n++) {
    probabilities[n + 1] = (probabilities[n] ?? 0) * ((total - n) / (n + 1)) * odds
  }
  for (let n = mode; n > 0; n--) {
    probabilities[n - 1] = ((probabilities[n] ?? 0) * n) / ((total - n + 1) * odds)
  }
  const all = probabilities.reduce((a, b) => a + b, 0)
  return probabilities.map((probability) => probability / all)
}

/** The probability that a right split is a mismatch, over all outcomes. */
function levelOf(
  weights: readonly [number, number],
  total: number,
  isMismatch: (result: SampleRatioResult) => boolean,
): number {
  const share = weights[0] / (weights[0] + weights[1])
  let level = 0
  for (const [count, probability] of binomialProbabilities(total, share).entries()) {
    if (probability < 1e-9) continue
    const result = sampleRatio(named([count, total - count]), named(weights))
    if (isMismatch(result)) level += probability
  }
  return level
}

function levels(): CalibrationTable {
  const cases: readonly (readonly [readonly [number, number], number])[] = [
    [[0.1, 99.9], 150],
    [[0.5, 99.5], 110],
    [[1, 99], 128],
    [[1, 99], 1000],
    [[1, 99], 2000],
    [[10, 90], 200],
    [[50, 50], 100],
    [[50, 50], 150],
    [[1, 99], 10_000],
    [[10, 90], 1000],
    [[50, 50], 1000],
  ]
  return {
    name: 'level at a threshold of 0.001, by enumeration',
    head: ['split', 'identities', 'expected in the small arm', "Pearson's tail", 'as reported'],
    rows: cases.map(([weights, total]) => [
      weights.join(' : '),
      String(total),
      String(Number(((total * weights[0]) / 100).toPrecision(3))),
      levelOf(weights, total, ({ statistic }) => (statistic ?? 0) > 10.827566170662733).toFixed(5),
      levelOf(weights, total, ({ status }) => status === 'mismatch').toFixed(5),
    ]),
  }
}

function families(): CalibrationTable {
  const cases: readonly (readonly [number, number, readonly [number, number]])[] = [
    [20, 128, [1, 99]],
    [10, 110, [0.5, 99.5]],
    [20, 1000, [1, 99]],
    [100, 100, [10, 90]],
    [20, 1000, [50, 50]],
  ]
  return {
    name: 'level of a family of slices at 0.001, by enumeration',
    head: ['slices', 'identities each', 'split', 'as reported'],
    rows: cases.map(([slices, total, weights]) => {
      const share = weights[0] / (weights[0] + weights[1])
      const right = weights.map((weight) => (total * weight) / 100).map(Math.round)
      const summary = (counts: Counts): Parameters<typeof sampleRatioBySlice>[0]['slices'][number] => ({
        value: 'x',
        summary: {
          timeseries: {
            granularity: 'day',
            timeZone: 'UTC',
            points: [{ bucket: '2026-06-01T00:00:00.000Z', newIdentities: named(counts) }],
          },
        },
      })
      // One slice is varied; whether it is called a mismatch does not depend on the right ones beside it.
      let one = 0
      for (const [count, probability] of binomialProbabilities(total, share).entries()) {
        if (probability < 1e-10) continue
        const others = Array.from({ length: slices - 1 }, () => summary(right))
        const breakdown = { slices: [summary([count, total - count]), ...others], other: null }
        if (sampleRatioBySlice(breakdown, named(weights)).slices[0]?.status === 'mismatch') one += probability
      }
      return [String(slices), String(total), weights.join(' : '), (1 - (1 - one) ** slices).toFixed(6)]
    }),
  }
}

const oneStep = (counts: Counts): { start: string; newIdentities: Record<string, number> }[] => [
  { start: '2026-06-01T00:00:00.000Z', newIdentities: named(counts) },
]

/** The fewest identities of a split for which it holds, from 512 on to one in 10,000. */
function fewest(share: number, holds: (counts: Counts) => boolean): number {
  const at = (total: number): Counts => [Math.round(total * share), total - Math.round(total * share)]
  for (let total = 8; total < 512; total++) if (holds(at(total))) return total
  let high = 512
  while (!holds(at(high))) high *= 2
  let low = high / 2
  while (high - low > Math.max(1, low / 10_000)) {
    const middle = Math.round((low + high) / 2)
    if (holds(at(middle))) high = middle
    else low = middle
  }
  return high
}

function sizes(): CalibrationTable {
  const even = named([1, 1])
  const isMismatch = { threshold: 0.001 }
  return {
    name: 'identities until two equal arms are a mismatch at 0.001, for a split exactly so',
    head: ['split', 'one look', 'five concentrations', '10,000', '100'],
    rows: [1, 0.9, 0.7, 0.6, 0.55, 0.52, 0.51].map((share) => [
      `${Math.round(share * 100)} : ${Math.round((1 - share) * 100)}`,
      ...[
        fewest(share, (counts) => sampleRatio(named(counts), even, isMismatch).status === 'mismatch'),
        ...[undefined, 10_000, 100].map((concentration) =>
          fewest(
            share,
            (counts) =>
              sequentialSampleRatio(
                oneStep(counts),
                even,
                concentration === undefined ? {} : { concentration },
              ).status === 'mismatch',
          ),
        ),
      ].map((size) => size.toLocaleString('en')),
    ]),
  }
}

const hourly = (counts: readonly Counts[]): { start: string; newIdentities: Record<string, number> }[] =>
  counts.map((increment, hour) => ({
    start: new Date(Date.UTC(2026, 5, 1, hour)).toISOString(),
    newIdentities: named(increment),
  }))

function looks(): CalibrationTable {
  const experiments = 2000
  const cases: readonly Counts[] = [
    [50, 50],
    [50, 30, 20],
    [90, 10],
  ]
  return {
    name: `right splits called a mismatch at 0.05 within 168 looks of 10 identities, of ${experiments} simulated`,
    head: ['split', 'five concentrations', '10,000', '100'],
    rows: cases.map((weights) => {
      const split = splitter(34)
      const found = [0, 0, 0]
      for (let i = 0; i < experiments; i++) {
        const steps = hourly(Array.from({ length: 168 }, () => split(10, weights)))
        for (const [at, concentration] of [undefined, 10_000, 100].entries()) {
          const options = { threshold: 0.05, ...(concentration === undefined ? {} : { concentration }) }
          const { status } = sequentialSampleRatio(steps, named(weights), options)
          if (status === 'mismatch') found[at] = (found[at] ?? 0) + 1
        }
      }
      return [weights.join(' : '), ...found.map((n) => percent(n / experiments))]
    }),
  }
}

function power(): CalibrationTable {
  const split = splitter(31)
  const experiments = 200
  const even = named([1, 1])
  // The first bucket of 20 up to the size at which one look finds four in five, and up to twice that.
  const rows = [0.5, 0.7, 0.6, 0.55].map((share) => {
    const size =
      share === 0.5
        ? 1000
        : Math.ceil(((3.2905 * 0.5 + 0.8416 * Math.sqrt(share * (1 - share))) / (share - 0.5)) ** 2)
    const found = { once: 0, five: 0, fiveTwice: 0, single: 0, singleTwice: 0 }
    for (let i = 0; i < experiments; i++) {
      const steps = hourly(Array.from({ length: 40 }, () => split(Math.ceil(size / 20), [share, 1 - share])))
      const first = steps.slice(0, 20)
      const seen = (some: typeof steps, concentration?: number): number =>
        sequentialSampleRatio(some, even, concentration === undefined ? {} : { concentration }).status ===
        'mismatch'
          ? 1
          : 0
      found.once += sampleRatio(first, even).status === 'mismatch' ? 1 : 0
      found.five += seen(first)
      found.fiveTwice += seen(steps)
      found.single += seen(first, 10_000)
      found.singleTwice += seen(steps, 10_000)
    }
    return [
      `${Math.round(share * 100)} : ${Math.round((1 - share) * 100)}`,
      size.toLocaleString('en'),
      ...[found.once, found.five, found.fiveTwice, found.single, found.singleTwice].map((n) =>
        percent(n / experiments),
      ),
    ]
  })
  return {
    name: `found at 0.001, of ${experiments} simulated experiments with two equal arms expected`,
    head: ['split', 'N', 'one look at N', 'five by N', 'five by 2 N', '10,000 by N', '10,000 by 2 N'],
    rows,
  }
}

function phases(): CalibrationTable {
  const split = splitter(32)
  const experiments = 1000
  const shares = [1, 5, 20, 50]
  const expected = shares.map((share, hour) => ({
    from: Date.UTC(2026, 5, 1, hour),
    shares: named([100 - share, share]),
  }))
  const rows = [0, 0.1, 0.2].map((loss) => {
    const found = { both: 0, phases: 0, pooled: 0 }
    for (let i = 0; i < experiments; i++) {
      const steps = shares.map((share, hour) => ({
        start: new Date(Date.UTC(2026, 5, 1, hour)).toISOString(),
        end: new Date(Date.UTC(2026, 5, 1, hour + 1)).toISOString(),
        newIdentities: named(split(1000, [100 - share, share * (1 - loss)])),
      }))
      const { status, components } = sampleRatio(steps, expected, { threshold: 0.01 })
      found.both += status === 'mismatch' ? 1 : 0
      found.phases += (components?.phases.pValue ?? 1) < 0.01 ? 1 : 0
      found.pooled += (components?.pooled.pValue ?? 1) < 0.01 ? 1 : 0
    }
    return [percent(loss), ...[found.both, found.phases, found.pooled].map((n) => percent(n / experiments))]
  })
  return {
    name: `mismatch at 0.01 through a ramp of 1, 5, 20 and 50 %, 1,000 identities each, of ${experiments} simulated`,
    head: ['treated lost', 'as reported', 'phases alone', 'pooled alone'],
    rows,
  }
}

function onsets(): CalibrationTable {
  const split = splitter(33)
  const experiments = 200
  const even = named([1, 1])
  const from = 7
  const rows = [0.5, 0.53, 0.55, 0.6].map((share) => {
    const found = { any: 0, exact: 0, near: 0 }
    for (let i = 0; i < experiments; i++) {
      const steps = hourly(
        Array.from({ length: 14 }, (_, hour) => split(500, hour < from ? [1, 1] : [share, 1 - share])),
      )
      const { onset } = sampleRatioOnset(steps, even)
      if (onset === null) continue
      const off = Math.abs(Date.parse(onset.start) - Date.UTC(2026, 5, 1, from)) / 3_600_000
      found.any++
      if (off === 0) found.exact++
      if (off <= 1) found.near++
    }
    return [
      `${Math.round(share * 100)} : ${Math.round((1 - share) * 100)}`,
      ...[found.any, found.exact, found.near].map((n) => percent(n / experiments)),
    ]
  })
  return {
    name: `a change after 7 of 14 buckets of 500 identities, at 0.001, of ${experiments} simulated`,
    head: ['split since', 'found', 'in that bucket', 'within one'],
    rows,
  }
}
