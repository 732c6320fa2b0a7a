import { countOf } from '../panel/count-of.js'
import { shortened } from '../panel/variant-label.js'
import { count, words } from './words.js'

/** The columns of a table that fit beside each other. */
export interface FittedColumns {
  /** Those that fit, in the given order. */
  readonly keys: readonly string[]
  /** How a column is called: shortened, and different from the others. */
  readonly labelOf: (key: string) => string
  /** A sentence that says how many have no column; no sentence if all have one. */
  readonly notes: readonly string[]
}

/**
 * As many variants as fit into `room`, with two blanks before each. Labels get shorter first; then the smallest variants
 * have no column, and a note says so.
 */
export function fittedColumns(
  keys: readonly string[],
  sizes: Readonly<Record<string, number>>,
  room: number,
  widthOf: (key: string, label: string) => number,
): FittedColumns {
  const forms = [12, 10, 8, 6, 5, 4].map((length) => {
    const labels = labelsOf(keys, length)
    let left = room
    const fit = new Set(
      keys
        .toSorted((a, b) => countOf(sizes, b) - countOf(sizes, a))
        .filter((key) => (left -= 2 + widthOf(key, labels(key))) >= 0),
    )
    return { keys: keys.filter((key) => fit.has(key)), labelOf: labels }
  })
  const most = Math.max(...forms.map((form) => form.keys.length))
  const best = forms.find((form) => form.keys.length === most) ?? { keys: [], labelOf: (key: string) => key }
  const left = keys.length - best.keys.length
  return {
    ...best,
    notes:
      left === 0
        ? []
        : [
            `${count(left)} smaller ${left === 1 ? 'variant has' : 'variants have'} no column here; the sums include ${left === 1 ? 'it' : 'them'}.`,
          ],
  }
}

/** Labels of at most so many characters, which differ where the keys do. */
export function labelsOf(keys: readonly string[], length: number): (key: string) => string {
  const forms = shortened(
    keys.map((key) => words.name(key)),
    length,
  )
  const labels = new Map(keys.map((key, place) => [key, forms[place] ?? key]))
  return (key) => labels.get(key) ?? words.name(key)
}
