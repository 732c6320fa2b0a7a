import { deepFreeze } from '../freeze.js'
import type { SourceColumn } from './source-column.js'
import { identifier } from './identifier.js'
import { invalidSpec } from './invalid-spec.js'
import { boundType, isTrustedSql, type TrustedSql } from './trusted-sql.js'

/** What a column is compared with; a row whose column is NULL meets none of these. */
export type FilterValue = string | number | boolean

/**
 * A restriction of the events: equality, membership of a set, a range from `atLeast` to just below `below`, a `LIKE`
 * pattern, or a condition that the caller vouches for.
 */
export type ExposureFilter =
  | { readonly column: string; readonly equals: FilterValue }
  | { readonly column: string; readonly in: readonly string[] | readonly number[] }
  | { readonly column: string; readonly atLeast: string | number; readonly below?: string | number }
  | { readonly column: string; readonly atLeast?: string | number; readonly below: string | number }
  | { readonly column: string; readonly like: string }
  | TrustedSql

/** A comparison, and those that may stand beside it. */
const comparedTogether: ReadonlyMap<string, readonly string[]> = new Map([
  ['equals', ['equals']],
  ['in', ['in']],
  ['atLeast', ['atLeast', 'below']],
  ['below', ['atLeast', 'below']],
  ['like', ['like']],
])

/** Completes and checks a spec's filters. Throws `invalid-spec`, naming the filter. */
export function exposureFilters(
  filters: readonly ExposureFilter[],
  columns: { readonly variant: SourceColumn },
): readonly ExposureFilter[] {
  if (!Array.isArray(filters)) {
    throw invalidSpec('filters', filters, "Pass an array: [{ column: 'country', equals: 'ES' }].")
  }
  return Object.freeze(filters.map((filter, index) => exposureFilter(filter, `filters[${index}]`, columns)))
}

function exposureFilter(
  filter: ExposureFilter,
  field: string,
  { variant }: { readonly variant: SourceColumn },
): ExposureFilter {
  if (isTrustedSql(filter)) return filter
  if (typeof filter !== 'object' || filter === null) {
    throw invalidSpec(field, filter, 'Pass { column, equals } or another comparison, or trustedSql`…`.')
  }
  const column = identifier(filter.column, `${field}.column`)
  if (column === variant) {
    throw invalidSpec(
      `${field}.column`,
      column,
      'It is the variant. A filter on it would hide the identities that were exposed to another variant, ' +
        'and count them as if they had not been. Filter on another column, or read one variant of the summary.',
    )
  }
  const comparisons = Object.entries(filter).filter(
    ([name, value]) => name !== 'column' && value !== undefined,
  )
  const allowed = comparedTogether.get(comparisons[0]?.[0] ?? '')
  if (allowed === undefined || comparisons.some(([name]) => !allowed.includes(name))) {
    throw invalidSpec(
      field,
      filter,
      'Beside column, pass one of equals, in, like, or a range with atLeast, below or both.',
    )
  }
  for (const [name, value] of comparisons) {
    if (name === 'in' ? !Array.isArray(value) : Array.isArray(value)) {
      throw invalidSpec(`${field}.${name}`, value, 'Pass a list to in, and one value to everything else.')
    }
    const type = boundType(value, `${field}.${name}`)
    if (name === 'like' && type !== 'String') {
      throw invalidSpec(`${field}.like`, value, 'Pass a pattern: % for any text, _ for any character.')
    }
    if ((name === 'atLeast' || name === 'below') && type === 'Bool') {
      throw invalidSpec(`${field}.${name}`, value, 'Pass text or a number.')
    }
  }
  return deepFreeze({
    column,
    ...Object.fromEntries(
      comparisons.map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]),
    ),
  } as ExposureFilter)
}
