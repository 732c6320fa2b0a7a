import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import {
  crossoverBias,
  overlapIndependence,
  overlapsIndependence,
  type OverlapCounts,
  type OverlapIndependenceOptions,
} from 'first-exposure/statistics'
import { describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { exactTableTail } from '../../src/statistics/exact-table-tail.js'
import { refusalOf } from '../refusal-of.js'

function recorded(name: string): unknown {
  const file = new URL(`../fixtures/statistics/${name}.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { rows: unknown }).rows
}

type Table = readonly (readonly number[])[]

const columnsOf = (table: Table): Table =>
  (table[0] ?? []).map((_, column) => table.map((row) => row[column] ?? 0))

function overlapOf(table: Table, quarantined = 0): OverlapCounts {
  const pairs = table.flatMap((row, one) =>
    row.map((identities, other) => ({
      oneVariant: `one ${one}`,
      otherVariant: `other ${other}`,
      identities,
    })),
  )
  return {
    identities: total(table.flat()) + quarantined,
    pairs: [...pairs, { oneVariant: null, otherVariant: 'other 0', identities: quarantined }],
  }
}

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)

/** In whole numbers of 2⁻⁶⁰⁰: the probability of each table with these margins, in parts of that of this table. */
function ratiosOf(table: Table): bigint[] {
  const columns = (table[0] ?? []).map((_, column) => total(table.map((row) => row[column] ?? 0)))
  const ratios: bigint[] = []
  /** Shares out what is left of a column to the rows from this one on. */
  const visit = (
    column: number,
    row: number,
    left: number,
    rest: number[],
    up: bigint,
    down: bigint,
  ): void => {
    if (column === columns.length) ratios.push((up << 600n) / down)
    else if (row === table.length) visit(column + 1, 0, columns[column + 1] ?? 0, rest, up, down)
    else {
      const [own, observed] = [rest[row] ?? 0, table[row]?.[column] ?? 0]
      const least = Math.max(0, left - total(rest.slice(row + 1)))
      for (let n = least; n <= Math.min(left, own); n++) {
        const [more, less] = [product(n + 1, observed), product(observed + 1, n)]
        visit(column, row + 1, left - n, rest.with(row, own - n), up * more, down * less)
      }
    }
  }
  visit(0, 0, columns[0] ?? 0, table.map(total), 1n, 1n)
  return ratios
}

function product(from: number, to: number): bigint {
  let all = 1n
  for (let n = from; n <= to; n++) all *= BigInt(n)
  return all
}

/** The logarithm of the probability of all tables whose ratio is at most 1 + `tie`, a multiple of 10⁻¹⁵. */
function rationalTail(ratios: readonly bigint[], tie: number): number {
  const sum = (numbers: readonly bigint[]) => numbers.reduce((a, b) => a + b, 0n)
  const most = ((10n ** 15n + BigInt(Math.round(tie * 1e15))) << 600n) / 10n ** 15n
  const tail = (sum(ratios.filter((ratio) => ratio <= most)) << 1000n) / sum(ratios)
  const beyond = tail.toString(2).length - 60
  return Math.log(Number(tail >> BigInt(beyond))) + (beyond - 1000) * Math.LN2
}

const even: Table = [
  [250, 250],
  [250, 250],
]
const uneven: Table = [
  [900, 100],
  [100, 900],
]

describe('overlapIndependence', () => {
  test('agrees with scipy where counts are large', () => {
    const rows = recorded('independence') as [
      table: number[][],
      statistic: number,
      df: number,
      pValue: number,
    ][]
    expect(rows).toHaveLength(36)
    expect(rows.filter(([, , , pValue]) => pValue > 0.001).length).toBeGreaterThan(8)
    for (const [table, statistic, degreesOfFreedom, pValue] of rows) {
      const result = overlapIndependence(overlapOf(table))
      expect(result.method).toBe('chi-squared')
      expect(Math.abs((result.statistic ?? NaN) - statistic)).toBeLessThan(1e-9 * (1 + statistic))
      expect(result.degreesOfFreedom).toBe(degreesOfFreedom)
      const tolerance = 1e-9 * (1 + statistic)
      expect(pValue < 1e-300 || Math.abs((result.pValue ?? NaN) / pValue - 1) < tolerance).toBe(true)
      expect(result.status).toBe(pValue < 0.001 ? 'dependent' : 'independent')
    }
  })

  test('is exact where counts are small: the sum over all tables in rational arithmetic', () => {
    const rows = recorded('exact-independence') as [table: number[][], pValue: number][]
    expect(rows.length).toBeGreaterThan(15)
    for (const [table, pValue] of rows) {
      const result = overlapIndependence(overlapOf(table))
      expect(result.method).toBe('exact')
      expect((result.pValue ?? NaN) / pValue).toBeCloseTo(1, 9)
      const turned = (table[0] ?? []).map((_, column) => table.map((row) => row[column] ?? 0))
      expect((overlapIndependence(overlapOf(turned)).pValue ?? NaN) / pValue).toBeCloseTo(1, 9)
    }
  })

  test('of two rows, the sum over tables is Fisher’s test', () => {
    const rows = recorded('exact-tables') as [number[], number[], number][]
    for (const [quarantined, counted, pValue] of rows) {
      const logPValue = exactTableTail([quarantined, counted])
      if (logPValue !== null) expect(Math.exp(logPValue) / pValue).toBeCloseTo(1, 8)
    }
  })

  test.each<[table: Table, logPValue: number]>([
    // Two identities of N in two places, and the table in which they changed them.
    [
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 5e9],
      ],
      Math.LN2 - Math.log(5e9 + 2) - Math.log(5e9 + 1),
    ],
    [
      [
        [0, 0, 1],
        [1, 1, 3],
        [0, 3, 1_000_000],
      ],
      Math.log(1.7999598006317916e-10),
    ],
  ])('is exact where few are beside very many: %j', (table, logPValue) => {
    const result = overlapIndependence(overlapOf(table))
    expect(result.method).toBe('exact')
    expect(result.logPValue).toBeCloseTo(logPValue, 10)
    expect(exactTableTail(table)).toBeCloseTo(logPValue, 10)
  })

  test('whatever the total, the sum over all tables is that of rational arithmetic', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }), { minLength: 3, maxLength: 4 }),
        fc.nat(3),
        fc.nat(2),
        fc.integer({ min: 3, max: 12 }).chain((digits) => fc.integer({ min: 10, max: 10 ** digits })),
        (few, row, column, many) => {
          const table = few.map((counts, place) =>
            place === row % few.length
              ? counts.with(column, many)
              : counts.map((n, at) => (at === place % 3 ? n || 1 : n)),
          )
          const margins = [0, 1, 2].map((at) => total(table.map((counts) => counts[at] ?? 0)))
          fc.pre(!margins.includes(0))
          const logPValue = exactTableTail(table) ?? NaN
          const ratios = ratiosOf(table)
          // Between the tails with a little less and a little more than the tie.
          expect(logPValue).toBeGreaterThan(rationalTail(ratios, 0.999e-9) - 1e-9)
          expect(logPValue).toBeLessThan(rationalTail(ratios, 1.001e-9) + 1e-9)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  // One identity of each small row: here both are in the same large column. One in each is more probable by 1 / many.
  test.each([
    [50_000_000, 0.5],
    [5_000_000_000, 1],
  ])('less than one part in 10⁹ is a tie: of %d', (many, pValue) => {
    const table = [
      [0, 1, 0],
      [0, 1, 0],
      [1, many - 1, many + 1],
    ]
    expect(Math.exp(exactTableTail(table) ?? NaN)).toBeCloseTo(pValue, 6)
  })

  test('more identities than a double counts one by one have no exact test', () => {
    const table = (many: number) => [
      [many, 1, 0],
      [many, 0, 1],
      [1, 1, 1],
    ]
    expect(exactTableTail(table(9e15))).toBeNull()
    expect(exactTableTail(table(4e15))).toBeLessThan(-60)
  })

  test('bounds the exact probability where there are too many tables', () => {
    const table = [
      [60, 40, 50],
      [45, 55, 50],
      [40, 50, 65],
      [50, 45, 60],
    ]
    const result = overlapIndependence(overlapOf(table))
    expect(result.method).toBe('bound')
    expect(result.statistic).toBeLessThan(12.6) // the critical value for 0.05
    expect(result.pValue).toBeGreaterThan(0.05)
    const shifted = table.map((row, place) => row.map((n, column) => (place === column ? n * 3 : n)))
    const found = overlapIndependence(overlapOf(shifted))
    expect(found).toMatchObject({ method: 'bound', status: 'dependent' })
    // The most uneven of the three columns against the rest.
    const named = (counts: readonly number[]) => Object.fromEntries(counts.entries())
    const columns = [0, 1, 2].map((column) => {
      const inside = shifted.map((row) => row[column] ?? 0)
      const outside = shifted.map((row, place) => total(row) - (inside[place] ?? 0))
      return crossoverBias({ counted: named(outside), quarantined: named(inside) }).pValue ?? NaN
    })
    expect((found.pValue ?? NaN) / (3 * Math.min(...columns))).toBeCloseTo(1, 9)
    // The same three, if they are the variants of the other experiment.
    const turned = [0, 1, 2].map((column) => shifted.map((row) => row[column] ?? 0))
    const { method, pValue } = overlapIndependence(overlapOf(turned))
    expect(method).toBe('bound')
    expect((pValue ?? NaN) / (found.pValue ?? NaN)).toBeCloseTo(1, 9)
  })

  test('says that they are dependent, with the evidence by cell', () => {
    expect(overlapIndependence(overlapOf(uneven, 5))).toEqual({
      status: 'dependent',
      reason:
        'If the experiments had been assigned independently, a table at least this uneven would have a probability of 2.51e-280, below 0.001.',
      severity: 'mismatch',
      statistic: 1280,
      degreesOfFreedom: 1,
      pValue: expect.any(Number),
      logPValue: expect.closeTo(-644, 0),
      method: 'chi-squared',
      identities: 2005,
      tested: 2000,
      cells: uneven.flatMap((row, one) =>
        row.map((observed, other) => ({
          oneVariant: `one ${one}`,
          otherVariant: `other ${other}`,
          observed,
          expected: 500,
          statisticShare: 0.25,
        })),
      ),
      // One cell of four with half as many: φ² = 1 / 36, and 10.83 is the critical value.
      neededTotal: 390,
    })
  })

  test('is independent only with enough identities to show a half-empty cell', () => {
    const quarter = (each: number): Table => [
      [each, each],
      [each, each],
    ]
    expect(overlapIndependence(overlapOf(quarter(98))).status).toBe('independent')
    expect(overlapIndependence(overlapOf(quarter(97)))).toMatchObject({
      status: 'not-enough-traffic',
      reason: '388 identities were in both experiments and quarantined in neither, and a verdict needs 390.',
    })
    expect(overlapIndependence(overlapOf(quarter(97)), { minimumTotal: 388 }).status).toBe('independent')
    // The half-empty cell itself, with as many identities as are needed, is found.
    const found = overlapIndependence(
      overlapOf([
        [56, 112],
        [112, 112],
      ]),
      { minimumTotal: 0 },
    )
    expect(found.severity).toBe('mismatch')
  })

  test('a variant with nobody in both has no degree of freedom', () => {
    const table = [
      [300, 300],
      [300, 300],
      [0, 0],
    ]
    expect(overlapIndependence(overlapOf(table))).toMatchObject({
      degreesOfFreedom: 1,
      method: 'chi-squared',
    })
  })

  test('counts who is in both where they are meant to exclude each other', () => {
    const mutuallyExclusive = true
    expect(overlapIndependence(overlapOf(uneven, 5), { mutuallyExclusive })).toEqual({
      status: 'not-exclusive',
      reason: 'The experiments are meant to exclude each other, and 2005 identities are in both.',
      severity: null,
      statistic: null,
      degreesOfFreedom: null,
      pValue: null,
      logPValue: null,
      method: null,
      identities: 2005,
      tested: 2000,
      cells: [],
      neededTotal: null,
    })
    const one = { identities: 1, pairs: [{ oneVariant: null, otherVariant: null, identities: 1 }] }
    expect(overlapIndependence(one, { mutuallyExclusive }).reason).toBe(
      'The experiments are meant to exclude each other, and 1 identity is in both.',
    )
    const nobody = overlapIndependence({ identities: 0, pairs: [] }, { mutuallyExclusive })
    expect(nobody).toMatchObject({ status: 'exclusive', identities: 0 })
    expect(nobody).not.toHaveProperty('reason')
  })

  test.each<[why: string, overlap: OverlapCounts, identities: number | null]>([
    ['Fewer than two variants of one of the experiments', overlapOf([[10, 20]]), 30],
    ['Fewer than two variants of one of the experiments', { identities: 0, pairs: [] }, 0],
    ['identities is -1, which cannot be a count', { identities: -1, pairs: [] }, null],
    ['A count of a pair is 0.5', { ...overlapOf([[0.5, 2]]), identities: 3 }, null],
    ['More identities are in the pairs than in both', { ...overlapOf(even), identities: 999 }, null],
  ])('is not computable: %s', (why, overlap, identities) => {
    for (const options of identities === null ? [{}, { mutuallyExclusive: true }] : [{}]) {
      const result = overlapIndependence(overlap, options)
      expect(result).toMatchObject({ status: 'not-computable', identities, cells: [], pValue: null })
      expect(result.reason).toContain(why)
    }
  })

  test('a table that is bounded has one p-value, whichever experiment comes first', () => {
    const table = [
      [90, 60, 10],
      [60, 90, 20],
      [60, 60, 60],
    ]
    const [own, turned] = [table, columnsOf(table)].map((each) => overlapIndependence(overlapOf(each)))
    expect(own?.method).toBe('bound')
    expect(turned?.pValue).toBe(own?.pValue)
    // The last column against both others is the least probable of six tests.
    const last = overlapIndependence(overlapOf(table.map(([a = 0, b = 0, c = 0]) => [a + b, c])))
    expect((own?.pValue ?? NaN) / (6 * (last.pValue ?? NaN))).toBeCloseTo(1, 9)
  })

  test('of a table with many variants only the two that deviate most are tested, corrected for all', () => {
    // Each variant is a test that may take a fifth of a second: eighty of them would block for many seconds.
    const table = Array.from({ length: 40 }, (_, row) =>
      Array.from({ length: 40 }, (__, column) => {
        const isMore = row === 7 && column < 20
        return 8 + ((row * 7 + column * 11 + row * column) % 5) + (isMore ? 14 : 0)
      }),
    )
    const { method, pValue, status } = overlapIndependence(overlapOf(table))
    expect({ method, status }).toEqual({ method: 'bound', status: 'dependent' })
    const named = (counts: readonly number[]) => Object.fromEntries(counts.entries())
    const inside = table[7] ?? []
    const outside = columnsOf(table).map((column, place) => total(column) - (inside[place] ?? 0))
    const own = crossoverBias({ counted: named(outside), quarantined: named(inside) }).logPValue ?? NaN
    expect(Math.log(pValue ?? NaN)).toBeCloseTo(own + Math.log(80), 9)
  })

  test('neither the order of the variants nor the side of an experiment changes the p-value', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 2, max: 4 })).chain(([rows, columns]) =>
          fc.array(fc.array(fc.nat(30), { minLength: columns, maxLength: columns }), {
            minLength: rows,
            maxLength: rows,
          }),
        ),
        (table) => {
          const own = overlapIndependence(overlapOf(table))
          const reversed = overlapIndependence(overlapOf(table.map((row) => row.toReversed()).toReversed()))
          expect(reversed.status).toBe(own.status)
          expect(reversed.pValue ?? 0).toBeCloseTo(own.pValue ?? 0, 9)
          const turned = overlapIndependence(overlapOf(columnsOf(table)))
          expect([turned.status, turned.method]).toEqual([own.status, own.method])
          expect(turned.pValue ?? 0).toBeCloseTo(own.pValue ?? 0, 9)
          expect(JSON.parse(JSON.stringify(own))).toEqual(own)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test.each<[path: string, call: () => unknown]>([
    ['overlap', () => overlapIndependence(null as never)],
    ['overlap.identities', () => overlapIndependence({ identities: '7' as never, pairs: [] })],
    ['overlap.pairs', () => overlapIndependence({ identities: 7 } as never)],
    ['overlap.pairs[0]', () => overlapIndependence({ identities: 7, pairs: [null as never] })],
    [
      'overlap.pairs[0].otherVariant',
      () => overlapIndependence({ identities: 1, pairs: [{ oneVariant: 'a', identities: 1 } as never] }),
    ],
    [
      'overlap.pairs[0].identities',
      () => overlapIndependence({ identities: 1, pairs: [{ oneVariant: 'a', otherVariant: 'a' } as never] }),
    ],
    [
      'overlap.pairs[0].oneVariant',
      () =>
        overlapIndependence({
          identities: 1,
          pairs: [{ oneVariant: 5, otherVariant: 'a', identities: 1 } as never],
        }),
    ],
    ['options', () => overlapIndependence(overlapOf(even), 7 as never)],
    [
      'options.mutuallyExclusive',
      () => overlapIndependence(overlapOf(even), { mutuallyExclusive: 'yes' as never }),
    ],
    [
      'options.leaveOut',
      () => overlapIndependence(overlapOf(even), { leaveOut: [] } as OverlapIndependenceOptions),
    ],
    ['threshold', () => overlapIndependence(overlapOf(even), { threshold: 1 })],
    ['options', () => overlapsIndependence([], 7 as never)],
    ['overlaps', () => overlapsIndependence({} as never)],
    ['overlaps[0]', () => overlapsIndependence([7 as never])],
    ['overlaps[0].one', () => overlapsIndependence([{ one: -1, other: 1, overlap: overlapOf(even) }])],
    ['overlaps[0].other', () => overlapsIndependence([{ one: 0, overlap: overlapOf(even) } as never])],
    ['overlaps[0].overlap', () => overlapsIndependence([{ one: 0, other: 1 } as never])],
    ['overlaps[0].other', () => overlapsIndependence([{ one: 2, other: 2, overlap: overlapOf(even) }])],
    ['options.exclusionGroups', () => overlapsIndependence([], { exclusionGroups: 7 as never })],
    ['options.exclusionGroups[0]', () => overlapsIndependence([], { exclusionGroups: [7 as never] })],
    ['options.exclusionGroups[0][1]', () => overlapsIndependence([], { exclusionGroups: [[0, 0.5]] })],
  ])('refuses misuse: %s', (path, call) => {
    expect(refusalOf(call)).toMatchObject({
      code: 'invalid-statistics',
      // It ends with what to do.
      message: expect.stringMatching(/\. [A-Z][^.]+(\.[^.]+)*\.$/),
      details: { path },
    })
  })

  test('a verdict needs as many as would show that the smallest cell lost half, whatever its place', () => {
    const table = [
      [40, 20],
      [20, 10],
    ]
    // In proportion the statistic is 0: with half of the smallest cell it is that of one in 85.
    const each =
      85 /
      (overlapIndependence(
        overlapOf([
          [40, 20],
          [20, 5],
        ]),
      ).statistic ?? NaN)
    const critical = 10.827566170662733
    expect(overlapIndependence(overlapOf(table))).toMatchObject({
      neededTotal: Math.ceil(critical * each),
      statistic: 0,
      cells: table.flat().map((count) => ({ observed: count, expected: count, statisticShare: 0 })),
    })
  })

  test('identities with a variant in one experiment only are in no cell', () => {
    const { pairs, identities } = overlapOf(even)
    const more = [
      ...pairs,
      { oneVariant: null, otherVariant: 'other 0', identities: 3 },
      { oneVariant: 'one 0', otherVariant: null, identities: 4 },
    ]
    const { identities: all, ...result } = overlapIndependence({ identities: identities + 7, pairs: more })
    expect(all).toBe(identities + 7)
    expect({ ...result, identities }).toEqual(overlapIndependence(overlapOf(even)))
  })
})

describe('overlapsIndependence', () => {
  const pair = (one: number, other: number, table: Table) => ({ one, other, overlap: overlapOf(table) })
  // Its own p-value is 0.00072.
  const odd: Table = [
    [276, 224],
    [222, 278],
  ]

  test('corrects the p-values for the number of pairs, as Holm does', () => {
    expect(overlapIndependence(overlapOf(odd))).toMatchObject({ status: 'dependent', severity: 'mismatch' })
    const { status, familySize, pairs } = overlapsIndependence([
      pair(0, 1, odd),
      pair(0, 2, even),
      pair(1, 2, even),
    ])
    expect([status, familySize]).toEqual(['independent', 3])
    const own = pairs[0]?.pValue ?? NaN
    expect(pairs.map(({ adjustedPValue }) => adjustedPValue)).toEqual([expect.closeTo(3 * own, 12), 1, 1])
    expect(pairs.map((each) => [each.one, each.other, each.status, each.severity])).toEqual([
      [0, 1, 'independent', 'warning'],
      [0, 2, 'independent', 'none'],
      [1, 2, 'independent', 'none'],
    ])
  })

  test('keeps pairs that cannot be dependent out of the family, and those that exclude each other', () => {
    const few: Table = [
      [3, 0],
      [0, 3],
    ]
    const { status, familySize, pairs } = overlapsIndependence(
      [pair(0, 1, odd), pair(0, 2, few), pair(1, 2, even), pair(0, 3, uneven)],
      {
        exclusionGroups: [
          [5, 6],
          [1, 2],
        ],
      },
    )
    expect([status, familySize]).toEqual(['not-exclusive', 2])
    // Holm's method corrects the greater of two p-values by 1.
    expect(pairs.map((each) => [each.status, each.adjustedPValue !== null])).toEqual([
      ['dependent', true],
      ['not-enough-traffic', false],
      ['not-exclusive', false],
      ['dependent', true],
    ])
    expect(pairs[3]?.reason).toBe(
      'If the experiments had been assigned independently, a table at least this uneven would have a probability of ' +
        '5.02e-280 after a correction for 2 pairs, below 0.001.',
    )
  })

  test.each<[minimumTotal: number | undefined, needs: string]>([
    [undefined, 'and a verdict needs 390.'],
    [7, 'and a verdict needs 7.'],
    [6, 'and no table with as many of each variant has a probability below 0.001.'],
    [0, 'and no table with as many of each variant has a probability below 0.001.'],
  ])('says what a pair that cannot be dependent needs, with a minimum of %s', (minimumTotal, needs) => {
    const few: Table = [
      [3, 0],
      [0, 3],
    ]
    const { pairs } = overlapsIndependence(
      [pair(0, 1, few)],
      minimumTotal === undefined ? {} : { minimumTotal },
    )
    expect(pairs[0]).toMatchObject({ status: 'not-enough-traffic', severity: null, adjustedPValue: null })
    expect(pairs[0]?.reason).toBe(
      `6 identities were in both experiments and quarantined in neither, ${needs}`,
    )
  })

  test('one pair alone is judged as overlapIndependence judges it', () => {
    for (const table of [odd, even, uneven, [[1, 2]]]) {
      const { status, pairs } = overlapsIndependence([pair(0, 1, table)])
      const alone = overlapIndependence(overlapOf(table))
      const { reason: _, ...rest } = alone
      expect(pairs[0]).toMatchObject(rest)
      expect(status).toBe(alone.status === 'not-computable' ? 'not-enough-traffic' : alone.status)
    }
    expect(overlapsIndependence([])).toEqual({ status: 'not-enough-traffic', familySize: 0, pairs: [] })
  })

  test.each([
    [0, 1],
    [1, 0],
  ])('refuses a pair that comes twice: %d and %d', (one, other) => {
    const twice = [pair(0, 1, even), pair(0, 2, even), pair(one, other, even)]
    expect(refusalOf(() => overlapsIndependence(twice))).toMatchObject({
      code: 'invalid-statistics',
      message: 'overlaps[2] has the two experiments of overlaps[0]. Pass each pair once.',
      details: { path: 'overlaps[2]' },
    })
  })

  test('refuses a pair of an experiment with itself', () => {
    expect(refusalOf(() => overlapsIndependence([pair(0, 1, even), pair(2, 2, even)]))).toEqual({
      code: 'invalid-statistics',
      message: 'overlaps[1].other is not usable: received 2. Pass two different experiments.',
      details: { path: 'overlaps[1].other', received: '2' },
    })
  })

  test('a number that cannot be a count is not passed over', () => {
    const broken = { one: 0, other: 1, overlap: { identities: -1, pairs: [] } }
    expect(overlapsIndependence([broken, pair(0, 2, even)]).status).toBe('not-computable')
    expect(overlapsIndependence([broken, pair(0, 2, uneven)]).status).toBe('dependent')
  })

  test('a p-value of 0 still has a correction', () => {
    const huge = uneven.map((row) => row.map((count) => count * 1000))
    const { pairs } = overlapsIndependence([pair(0, 1, huge), pair(0, 2, even)])
    expect(pairs[0]).toMatchObject({ status: 'dependent', pValue: 0, adjustedPValue: 0 })
    expect(pairs[0]?.reason).toContain('of 4.8e-277952 after a correction for 2 pairs, below')
    // One pair needs none: its probability is half of that.
    expect(overlapsIndependence([pair(0, 1, huge)]).pairs[0]?.reason).toContain(
      'of 2.4e-277952 after a correction for 1 pair, below',
    )
  })

  test('trusts the chi-squared tail only as far out as the correction looks', () => {
    const hundreds: Table = [
      [100, 100],
      [100, 100],
    ]
    expect(overlapIndependence(overlapOf(hundreds)).method).toBe('chi-squared')
    const pairs = Array.from({ length: 20 }, (_, place) => pair(0, place + 1, hundreds))
    expect(overlapsIndependence(pairs).pairs[0]?.method).toBe('exact')
  })

  test.each<[why: string, table: Table, minimumTotal: number]>([
    // It can be any one of 900, and each is equally probable: above 0.001.
    [
      'a single identity in a variant',
      [
        [450, 1],
        [449, 0],
      ],
      0,
    ],
    [
      'too few for the minimum',
      [
        [40, 0],
        [0, 40],
      ],
      100,
    ],
  ])('keeps out of the family: %s', (_, table, minimumTotal) => {
    const { familySize, pairs } = overlapsIndependence([pair(0, 1, table), pair(0, 2, even)], {
      minimumTotal,
    })
    expect(familySize).toBe(1)
    expect(pairs.map(({ adjustedPValue }) => adjustedPValue)).toEqual([null, 1])
  })

  // With two variants of n identities each, the rarest table is one of C(2n, n).
  test.each<[each: number, options: OverlapIndependenceOptions, familySize: number]>([
    [6, {}, 0], // C(12, 6) = 924
    [7, {}, 1], // C(14, 7) = 3432
    [7, { minimumTotal: 14 }, 1],
    [7, { minimumTotal: 15 }, 0],
    // C(2, 1) = 2: a probability of the threshold is not below it.
    [1, { threshold: 0.5 }, 0],
    [1, { threshold: 0.51 }, 1],
  ])('of two variants with %d each and %j, a family of %d', (each, options, familySize) => {
    const table = [
      [each, 0],
      [0, each],
    ]
    expect(overlapsIndependence([pair(0, 1, table)], options).familySize).toBe(familySize)
  })

  test('is independent where one pair is and another is kept apart', () => {
    const apart = { one: 0, other: 1, overlap: { identities: 0, pairs: [] } }
    const { status, pairs } = overlapsIndependence([apart, pair(0, 2, even)], { exclusionGroups: [[0, 1]] })
    expect(pairs.map((each) => each.status)).toEqual(['exclusive', 'independent'])
    expect(status).toBe('independent')
  })
})
