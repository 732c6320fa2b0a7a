import { describe, expect, test } from 'vitest'
import { crossoverMatrix } from '../../src/panel/crossover-matrix.js'

type Crossovers = Parameters<typeof crossoverMatrix>[0]
type View = Parameters<typeof crossoverMatrix>[1]

/** Crossovers from a variant to another, each with so many identities. */
const crossovers = (pairs: readonly (readonly [string, string, number])[]): Crossovers =>
  ({
    pairs: pairs.map(([firstVariant, nextVariant, identities]) => ({
      firstVariant,
      nextVariant,
      identities,
    })),
    firstVariants: Object.fromEntries(
      pairs.map(([firstVariant, , identities]) => [firstVariant, identities]),
    ),
    identities: pairs.reduce((sum, [, , identities]) => sum + identities, 0),
  }) as unknown as Crossovers
const viewOf = (...keys: readonly string[]): View =>
  ({ variants: keys.map((key) => ({ key })) }) as unknown as View

describe('the matrix of crossovers', () => {
  test('has the eight variants with the most crossovers: those of the view in its order, then the others by key', () => {
    const asked = crossovers([
      ['a', 'b', 50],
      ['b', 'a', 40],
      ['e', 'd2', 30],
      ['c', 'd1', 20],
      ['f', 'd3', 10],
      ['d4', 'g', 1],
    ])
    const { variants, left, rows, all } = crossoverMatrix(asked, viewOf('b', 'a', 'd4', 'f'), { a: 7, d4: 1 })
    expect(variants).toEqual(['b', 'a', 'f', 'c', 'd1', 'd2', 'd3', 'e'])
    expect(left).toBe(2)
    expect(rows[1]).toEqual({
      firstVariant: 'a',
      cells: [50, null, 0, 0, 0, 0, 0, 0],
      identities: 50,
      began: 57,
    })
    // Those of the variants without a row, too.
    expect(all).toEqual({ cells: [50, 40, 0, 0, 20, 30, 10, 0], identities: 151, began: 159 })
  })
})
