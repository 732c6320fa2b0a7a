import { didYouMean } from './did-you-mean.js'
import type { OpenedFile } from './open-file.js'
import { oneLine, ReportError } from './report-error.js'

/** Which values of a column a row may have. */
export interface RowFilter {
  readonly column: string
  readonly values: readonly string[]
}

/**
 * The filters of rows that the user wrote as `column=value`. Several values of one column are alternatives; different
 * columns must all hold. A name of a column may have = in it.
 */
export function rowFilters(
  { name, types }: Pick<OpenedFile, 'name' | 'types'>,
  written: readonly string[],
): readonly RowFilter[] {
  const filters = new Map<string, string[]>()
  for (const text of written) {
    const places = [...text.matchAll(/=/g)].map(({ index }) => index)
    const at = places.find((place) => types.has(text.slice(0, place)))
    if (at === undefined) {
      const column = text.slice(0, places[0])
      const meant = didYouMean(column, types.keys())
      throw new ReportError(
        `${name} has no column ${JSON.stringify(oneLine(column, 60))} (--where${meant === undefined ? '' : `; did you mean ${JSON.stringify(oneLine(meant, 60))}?`})`,
        {
          details: [
            `Its columns: ${[...types.keys()].map((each) => JSON.stringify(oneLine(each, 60))).join(', ')}`,
          ],
        },
      )
    }
    const column = text.slice(0, at)
    filters.set(column, [...(filters.get(column) ?? []), text.slice(at + 1)])
  }
  return [...filters].map(([column, values]) => ({ column, values }))
}
