import { aWholeNumber, withFields } from '../../checks.js'
import { ExposureError, invalidSpec } from '../../errors.js'
import { deepFreeze } from '../../freeze.js'
import { decodeOverlapRows, type OverlapCell } from './rows.js'
import { mostExperiments } from './statement.js'

/** The identities that are in one variant of one experiment and in one variant of the other. */
export interface OverlapPair {
  /** `null` for the identities that are quarantined in that experiment. */
  readonly oneVariant: string | null
  readonly otherVariant: string | null
  readonly identities: number
}

/** The identities that are in only one of the two experiments. */
export interface OverlapRest {
  /** All of them: the quarantined ones and those of the variants. */
  readonly identities: number
  readonly quarantined: number
  /** A key can be any string. Read it with `Object.entries` or `Object.hasOwn`. Every count is above 0. */
  readonly variants: Readonly<Record<string, number>>
}

/**
 * The identities that two experiments share, and those that they do not share. Each identity is counted exactly once.
 *
 * Plain data, deeply frozen. `JSON.parse(JSON.stringify(overlap))` equals it.
 */
export interface Overlap {
  /** The identities that are in both experiments, also those that are quarantined in one of them. */
  readonly identities: number
  /** They add up to `identities`. By the variant of one experiment, then of the other, the quarantined ones last. */
  readonly pairs: readonly OverlapPair[]
  readonly onlyInOne: OverlapRest
  readonly onlyInOther: OverlapRest
}

/** The overlap of two of several experiments. */
export interface OverlapOfTwo {
  /** The places of the two experiments in the question, from 0. `one` is before `other`. */
  readonly one: number
  readonly other: number
  readonly overlap: Overlap
}

/**
 * Which identities do the two experiments share? Builds the matrix of variants from the rows that `overlapQuery`
 * returns.
 *
 * @param rows - the parsed rows of the answer, in any order
 * @returns frozen data; `identities` and the two rests add up to the distinct identities of both experiments
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for rows that the query cannot return
 *
 * @example
 * ```ts
 * import { summarizeOverlap } from 'first-exposure'
 *
 * const row = { one_quarantined: 0, one_variant: 'a', other_quarantined: 0, other_variant: 'a' }
 * const overlap = summarizeOverlap([
 *   { ...row, one: 0, other: 0, identities: 10 }, // all identities of one
 *   { ...row, one: 1, other: 1, identities: 8 }, // all identities of the other
 *   { ...row, one: 0, other: 1, identities: 3 }, // those in both
 * ])
 * overlap.identities // => 3
 * overlap.onlyInOne // => { identities: 7, quarantined: 0, variants: { a: 7 } }
 * overlap.onlyInOther.identities // => 5
 * ```
 */
export function summarizeOverlap(rows: readonly unknown[]): Overlap {
  const [only] = summarizeOverlaps(rows, { experiments: 2 })
  return (only as OverlapOfTwo).overlap
}

/**
 * Which identities does each pair of experiments share? Builds the matrix of each pair from the rows that
 * `overlapsQuery` returns.
 *
 * @param rows - the parsed rows of the answer, in any order
 * @param options.experiments - how many experiments the question was about, 2 to 50
 * @returns frozen data: every pair, also one without shared identities, in the order of the question
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for rows that the query cannot return;
 *   `invalid-spec` for an invalid number of experiments
 *
 * @example
 * ```ts
 * import { summarizeOverlaps } from 'first-exposure'
 *
 * const row = { one_quarantined: 0, one_variant: 'a', other_quarantined: 0, other_variant: 'a' }
 * const overlaps = summarizeOverlaps(
 *   [
 *     { ...row, one: 0, other: 0, identities: 10 },
 *     { ...row, one: 2, other: 2, identities: 8 },
 *     { ...row, one: 0, other: 2, identities: 3 },
 *   ],
 *   { experiments: 3 },
 * )
 * overlaps.map(({ one, other, overlap }) => [one, other, overlap.identities])
 * // => [[0, 1, 0], [0, 2, 3], [1, 2, 0]]
 * ```
 */
export function summarizeOverlaps(
  rows: readonly unknown[],
  options: { readonly experiments: number },
): readonly OverlapOfTwo[] {
  withFields(options, ['experiments'], 'options', invalidSpec)
  const experiments = aWholeNumber(2, mostExperiments)(
    options.experiments,
    'options.experiments',
    invalidSpec,
  )
  const cells = decodeOverlapRows(rows)
  for (const { other } of cells) {
    if (other >= experiments) {
      throw new ExposureError(
        'malformed-rows',
        `The answer is about the experiment at place ${other}, and the question was about ${experiments}. Pass the ` +
          'rows of that question.',
        { column: 'other', received: String(other) },
      )
    }
  }
  const ofPair = new Map<number, OverlapCell[]>()
  const placeOf = (one: number, other: number): number => one * experiments + other
  for (const cell of cells) {
    const place = placeOf(cell.one, cell.other)
    const known = ofPair.get(place)
    if (known === undefined) ofPair.set(place, [cell])
    else known.push(cell)
  }
  const overlaps: OverlapOfTwo[] = []
  for (let one = 0; one < experiments; one++) {
    for (let other = one + 1; other < experiments; other++) {
      const cellsOf = (a: number, b: number): readonly OverlapCell[] => ofPair.get(placeOf(a, b)) ?? []
      const overlap = overlapOf(cellsOf(one, one), cellsOf(one, other), cellsOf(other, other))
      overlaps.push({ one, other, overlap })
    }
  }
  return deepFreeze(overlaps)
}

function overlapOf(
  allOfOne: readonly OverlapCell[],
  both: readonly OverlapCell[],
  allOfOther: readonly OverlapCell[],
): Overlap {
  const pairs = both
    .filter(({ identities }) => identities > 0)
    .map(({ oneVariant, otherVariant, identities }) => ({ oneVariant, otherVariant, identities }))
    .sort((a, b) => byVariant(a.oneVariant, b.oneVariant) || byVariant(a.otherVariant, b.otherVariant))
  return {
    identities: sum(pairs),
    pairs,
    onlyInOne: restOf(allOfOne, pairs, ({ oneVariant }) => oneVariant),
    onlyInOther: restOf(allOfOther, pairs, ({ otherVariant }) => otherVariant),
  }
}

/** The identities of an experiment less those that are also in the other. */
function restOf(
  all: readonly OverlapCell[],
  shared: readonly OverlapPair[],
  variantOf: (pair: OverlapPair) => string | null,
): OverlapRest {
  const rest = new Map(all.map((cell) => [variantOf(cell), cell.identities]))
  for (const pair of shared) {
    const variant = variantOf(pair)
    rest.set(variant, (rest.get(variant) ?? 0) - pair.identities)
  }
  const identities = [...rest.values()].reduce((total, count) => total + count, 0)
  if ([...rest.values()].some((count) => count < 0)) {
    throw new ExposureError(
      'malformed-rows',
      'More identities are in both experiments than in one of them. Pass all rows of the answer, unchanged.',
      { column: 'identities', received: String(identities) },
    )
  }
  const quarantined = rest.get(null) ?? 0
  const variants = [...rest].filter((entry): entry is [string, number] => entry[0] !== null && entry[1] > 0)
  return {
    identities,
    quarantined,
    // fromEntries defines properties. An assignment to __proto__ would set the prototype instead.
    variants: Object.fromEntries(variants.sort(([a], [b]) => byVariant(a, b))),
  }
}

function sum(cells: readonly OverlapPair[]): number {
  return cells.reduce((total, { identities }) => total + identities, 0)
}

/** The quarantined ones last. */
function byVariant(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? 1 : -1
  return a < b ? -1 : 1
}
