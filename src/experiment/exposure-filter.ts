import { aList, aName, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { boundType, isTrustedSql, type BoundValue, type TrustedSql } from '../sql/trusted-sql.js'
import { anEpochMs, epochMs } from '../time/instant.js'
import type { SourceColumn } from './source-column.js'

/**
 * An instant to compare a `DateTime` column with. A `Date` from the caller becomes this plain data, which JSON keeps.
 */
export interface FilterInstant {
  /** Milliseconds since the epoch. */
  readonly instantMs: number
}

/** The value that a column is compared with. A row whose column is NULL never passes a comparison. */
export type FilterValue = string | number | boolean | Date | FilterInstant

/** The lower or upper bound of a range. */
export type FilterBound = string | number | Date | FilterInstant

/**
 * Restricts the events. A filter can test for equality, for membership of a list or for their opposites. It can test
 * for a range from `atLeast` (inclusive) to `below` (exclusive). It can test for a `LIKE` pattern or its opposite, or
 * for NULL or its absence. Or it is a condition of trusted SQL.
 *
 * Compare a `DateTime` column with an instant, a `Date`. The error `unreadable-column` refuses numbers there. It also
 * refuses text, unless the column's type names a time zone. The server would read a number as seconds, and text in its
 * own zone. It refuses numbers and booleans on an `Enum`, too: pass the name of its value. Pass as text what a number does
 * not hold exactly: whole numbers beyond 2^53, fractions for a `Float32`, and lists of fractions for a `Decimal`. A
 * pattern is compared with the text of the column. A row whose column is NULL passes only `isNull: true`.
 */
export type ExposureFilter =
  | { readonly column: string; readonly equals: FilterValue }
  | {
      readonly column: string
      readonly in: readonly string[] | readonly number[]
    }
  | {
      readonly column: string
      readonly notIn: readonly string[] | readonly number[]
    }
  | {
      readonly column: string
      readonly atLeast: FilterBound
      readonly below?: FilterBound
    }
  | {
      readonly column: string
      readonly atLeast?: FilterBound
      readonly below: FilterBound
    }
  | { readonly column: string; readonly like: string }
  | { readonly column: string; readonly notLike: string }
  | { readonly column: string; readonly isNull: boolean }
  | TrustedSql

/** The comparisons of a filter. */
export type Comparison = 'equals' | 'in' | 'notIn' | 'atLeast' | 'below' | 'like' | 'notLike' | 'isNull'

const scalars: readonly string[] = ['String', 'Int64', 'Float64']
const lists: readonly string[] = ['Array(String)', 'Array(Int64)', 'Array(Float64)']
const instant = 'an instant'
const range = {
  types: [...scalars, instant],
  advice: 'Pass text, a number, or an instant as a Date.',
}
const list = {
  types: lists,
  advice: 'Pass a list; for one value, use equals.',
}
const pattern = {
  types: ['String'],
  advice: 'Pass a pattern: % for any text, _ for any character.',
}

/** For each comparison: the other comparison that it can be combined with, and the types that it accepts. */
const comparisons: Readonly<
  Record<
    Comparison,
    {
      readonly beside?: Comparison
      readonly types: readonly string[]
      readonly advice: string
    }
  >
> = {
  equals: {
    types: [...scalars, 'Bool', instant],
    advice: 'Pass one value; for a list, use in.',
  },
  in: list,
  notIn: list,
  atLeast: { beside: 'below', ...range },
  below: { beside: 'atLeast', ...range },
  like: pattern,
  notLike: pattern,
  isNull: { types: ['Bool'], advice: 'Pass true or false.' },
}

const fields: readonly string[] = ['column', ...Object.keys(comparisons)]

/** Completes and checks a spec's filters. Throws `invalid-spec`, naming the filter. */
export function exposureFilters(
  filters: readonly ExposureFilter[],
  columns: { readonly variant: SourceColumn },
): readonly ExposureFilter[] {
  aList(filters, 'filters', invalidSpec)
  return Object.freeze(filters.map((filter, index) => exposureFilter(filter, `filters[${index}]`, columns)))
}

function exposureFilter(
  filter: ExposureFilter,
  path: string,
  { variant }: { readonly variant: SourceColumn },
): ExposureFilter {
  if (isTrustedSql(filter)) return filter
  withFields(filter, fields, path, invalidSpec)
  const column = aName(filter.column, `${path}.column`, invalidSpec)
  if (column === variant) {
    throw invalidSpec(
      `${path}.column`,
      column,
      'Filter on another column, or read one variant of the summary.',
      `${path}.column is the variant. A filter on it would hide the identities that were exposed to another ` +
        'variant, and count them as if they had not been.',
    )
  }
  const asked = (Object.keys(comparisons) as readonly Comparison[]).flatMap((name) => {
    const value = (filter as Partial<Record<Comparison, unknown>>)[name]
    return value === undefined ? [] : [[name, plainValue(value, `${path}.${name}`)] as const]
  })
  const [first] = asked
  if (
    first === undefined ||
    asked.some(([name]) => name !== first[0] && name !== comparisons[first[0]].beside)
  ) {
    throw invalidSpec(
      path,
      filter,
      'Beside column, pass one of equals, in, notIn, like, notLike, isNull, or a range with atLeast, below or both.',
    )
  }
  for (const [name, value] of asked) {
    const { types, advice } = comparisons[name]
    const type = isFilterInstant(value) ? instant : boundType(value as BoundValue, `${path}.${name}`)
    if (!types.includes(type)) {
      throw invalidSpec(`${path}.${name}`, value, advice)
    }
  }
  return deepFreeze({
    column,
    ...Object.fromEntries(
      asked.map(([name, value]) => [name, Array.isArray(value) ? [...(value as readonly unknown[])] : value]),
    ),
  } as ExposureFilter)
}

/** Whether a value of a filter is an instant. */
export function isFilterInstant(value: unknown): value is FilterInstant {
  return typeof value === 'object' && value !== null && 'instantMs' in value
}

/** Turns a `Date` into plain data. A `Date` can be changed, and JSON would turn it into text. */
function plainValue(value: unknown, path: string): unknown {
  if (value instanceof Date) return { instantMs: epochMs(value, path) }
  if (!isFilterInstant(value)) return value
  return {
    instantMs: anEpochMs(withFields(value, ['instantMs'], path, invalidSpec).instantMs, path, invalidSpec),
  }
}
