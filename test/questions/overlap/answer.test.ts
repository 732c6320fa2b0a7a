import { decodeOverlapRows, summarizeOverlap, summarizeOverlaps } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const row = (
  one: number,
  other: number,
  oneVariant: string | null,
  otherVariant: string | null,
  identities: number | string,
): Record<string, unknown> => ({
  one,
  other,
  one_quarantined: oneVariant === null ? 1 : 0,
  one_variant: oneVariant,
  other_quarantined: otherVariant === null ? '1' : false,
  other_variant: otherVariant,
  identities,
})

test('the matrix, the quarantined out of band, and the rests', () => {
  const overlap = summarizeOverlap([
    row(1, 1, 'x', 'x', '9'),
    row(0, 1, null, 'x', 2),
    row(0, 0, '__proto__', '__proto__', 10),
    row(0, 0, 'b', 'b', 1),
    row(0, 1, 'b', null, 1),
    row(0, 1, '__proto__', 'x', '3'),
    row(0, 0, null, null, 5),
    row(1, 1, null, null, 4),
  ])
  expect(overlap).toEqual({
    identities: 6,
    pairs: [
      { oneVariant: '__proto__', otherVariant: 'x', identities: 3 },
      { oneVariant: 'b', otherVariant: null, identities: 1 },
      { oneVariant: null, otherVariant: 'x', identities: 2 },
    ],
    onlyInOne: { identities: 10, quarantined: 3, variants: Object.fromEntries([['__proto__', 7]]) },
    onlyInOther: { identities: 7, quarantined: 3, variants: { x: 4 } },
  })
  expect(JSON.parse(JSON.stringify(overlap))).toEqual(overlap)
  expect(Object.isFrozen(overlap.pairs[0])).toBe(true)
})

test('every pair is listed, in the order of the question', () => {
  const overlaps = summarizeOverlaps(
    [row(1, 2, 'a', 'a', 1), row(1, 1, 'a', 'a', 1), row(2, 2, 'a', 'a', 2)],
    {
      experiments: 4,
    },
  )
  expect(overlaps.map(({ one, other, overlap }) => [one, other, overlap.identities])).toEqual([
    [0, 1, 0],
    [0, 2, 0],
    [0, 3, 0],
    [1, 2, 1],
    [1, 3, 0],
    [2, 3, 0],
  ])
})

test('pairs and rests are in the order of their variants, the quarantined last, and nothing is listed of nobody', () => {
  const keys = ['b', 'a', 'c', null] as const
  const both = keys.flatMap((one) => keys.map((other) => row(0, 1, one, other, 1)))
  const overlap = summarizeOverlap([
    ...both,
    ...keys.map((each) => row(0, 0, each, each, 10)),
    ...keys.map((each) => row(1, 1, each, each, 4)),
    row(0, 1, 'd', 'd', 0),
  ])
  expect(overlap.pairs.map(({ oneVariant, otherVariant }) => `${oneVariant} ${otherVariant}`)).toEqual([
    'a a',
    'a b',
    'a c',
    'a null',
    'b a',
    'b b',
    'b c',
    'b null',
    'c a',
    'c b',
    'c c',
    'c null',
    'null a',
    'null b',
    'null c',
    'null null',
  ])
  expect(Object.entries(overlap.onlyInOne.variants)).toEqual([
    ['a', 6],
    ['b', 6],
    ['c', 6],
  ])
  expect(overlap.onlyInOther).toEqual({ identities: 0, quarantined: 0, variants: {} })
})

test('of three experiments, each pair gets its own rows', () => {
  const overlaps = summarizeOverlaps(
    [
      ...[0, 1, 2].map((place) => row(place, place, 'a', 'a', 100 * (place + 1))),
      row(0, 1, 'a', 'a', 1),
      row(0, 2, 'a', 'a', 2),
      row(1, 2, 'a', 'a', 3),
    ],
    { experiments: 3 },
  )
  expect(
    overlaps.map(({ one, other, overlap }) => [
      one,
      other,
      overlap.identities,
      overlap.onlyInOne.identities,
      overlap.onlyInOther.identities,
    ]),
  ).toEqual([
    [0, 1, 1, 99, 199],
    [0, 2, 2, 98, 298],
    [1, 2, 3, 197, 297],
  ])
})

describe('rows that the query cannot have given', () => {
  const cell = row(0, 1, 'a', 'a', 1)
  test.each<[column: string, rows: readonly unknown[]]>([
    ['one', [{ ...cell, one: -1 }]],
    ['other', [{ ...cell, other: null }]],
    ['other', [row(1, 0, 'a', 'a', 1)]],
    ['one_quarantined', [{ ...cell, one_quarantined: 2 }]],
    ['one_variant', [{ ...cell, one_quarantined: 1 }]],
    ['other_variant', [{ ...cell, other_variant: null }]],
    ['other_variant', [row(0, 0, 'a', 'b', 1)]],
    ['other_variant', [cell, cell]],
    ['identities', [{ ...cell, identities: 0.5 }]],
  ])('are refused, with the row and the column: %s', (column, rows) => {
    expect(refusalOf(() => decodeOverlapRows(rows))).toMatchObject({
      code: 'malformed-rows',
      details: { column, row: rows.length - 1 },
    })
  })

  test('are refused if they are of another question', () => {
    expect(refusalOf(() => summarizeOverlap([row(1, 2, 'a', 'a', 1)]))).toMatchObject({
      code: 'malformed-rows',
      message: expect.stringContaining('at place 2, and the question was about 2'),
    })
  })

  test.each([
    [[cell]],
    [[cell, row(0, 0, 'a', 'a', 1)]],
    [[cell, row(0, 0, 'a', 'a', 1), row(1, 1, 'b', 'b', 1)]],
  ])('are refused if some are missing', (rows) => {
    expect(refusalOf(() => summarizeOverlap(rows))).toMatchObject({
      code: 'malformed-rows',
      message: expect.stringContaining('More identities are in both experiments than in one of them.'),
    })
  })
})

test.each([
  [{}, 'options.experiments'],
  [{ experiments: 1 }, 'options.experiments'],
  [{ experiments: 51 }, 'options.experiments'],
  [{ experiments: 2, names: [] }, 'options.names'],
])('options %j are refused', (options, path) => {
  expect(refusalOf(() => summarizeOverlaps([], options as never))).toMatchObject({
    code: 'invalid-spec',
    details: { path },
  })
})
