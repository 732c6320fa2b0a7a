import type { Crossovers } from '../questions/crossovers/answer.js'
import type { ExposuresView } from '../view/exposures-view.js'
import { countOf } from './count-of.js'

/** The identities that began in one variant and crossed over. */
export interface CrossoverMatrixRow {
  readonly firstVariant: string
  /** By the variant that came next, in the order of the matrix; `null` on the diagonal. */
  readonly cells: readonly (number | null)[]
  /** All of them, including those who went to a variant without a column. */
  readonly identities: number
  /** Everyone who began in the variant: those who crossed over and those who stayed. */
  readonly began: number
}

/** The crossovers as a matrix: from the variant of the first exposure to the next one. */
export interface CrossoverMatrix {
  /** The variants with crossovers from or to them, in the view's order; only the largest if there are many. */
  readonly variants: readonly string[]
  readonly rows: readonly CrossoverMatrixRow[]
  /** The sums over all variants, including those without a row. */
  readonly all: Omit<CrossoverMatrixRow, 'firstVariant'>
  /** The variants that have neither a row nor a column. */
  readonly left: number
}

const mostVariants = 8

/**
 * Who went from which variant to which?
 *
 * @param stayed - the identities that were in one variant only, by its key
 */
export function crossoverMatrix(
  { pairs, firstVariants, identities }: Crossovers,
  view: ExposuresView,
  stayed: Readonly<Record<string, number>>,
): CrossoverMatrix {
  const involved = new Map<string, number>()
  const arrived = new Map<string, number>()
  const crossed = new Map<string, number>()
  const add = (counts: Map<string, number>, key: string, more: number): void => {
    counts.set(key, (counts.get(key) ?? 0) + more)
  }
  for (const { firstVariant, nextVariant, identities } of pairs) {
    add(involved, firstVariant, identities)
    add(involved, nextVariant, identities)
    add(arrived, nextVariant, identities)
    add(crossed, JSON.stringify([firstVariant, nextVariant]), identities)
  }
  const largest = new Map([...involved].toSorted(([, a], [, b]) => b - a).slice(0, mostVariants))
  const known = view.variants.map(({ key }) => key).filter((key) => largest.has(key))
  const others = [...largest.keys()].filter((key) => !known.includes(key))
  const variants = [...known, ...others.toSorted((a, b) => (a < b ? -1 : 1))]
  return {
    variants,
    rows: variants.map((firstVariant) => ({
      firstVariant,
      cells: variants.map((next) =>
        next === firstVariant ? null : (crossed.get(JSON.stringify([firstVariant, next])) ?? 0),
      ),
      identities: countOf(firstVariants, firstVariant),
      began: countOf(firstVariants, firstVariant) + countOf(stayed, firstVariant),
    })),
    all: {
      cells: variants.map((key) => arrived.get(key) ?? 0),
      identities,
      began: identities + Object.values(stayed).reduce((sum, count) => sum + count, 0),
    },
    left: involved.size - variants.length,
  }
}
