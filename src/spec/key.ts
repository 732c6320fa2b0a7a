import { invalidSpec } from './invalid-spec.js'

/** A key that ClickHouse can hold and a row can be asked for by: text that is not empty and is well-formed Unicode. */
export function key(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalidSpec(field, value, 'Pass a string.')
  if (value === '') throw invalidSpec(field, value, 'Pass a key that is not empty.')
  if (!value.isWellFormed()) {
    throw invalidSpec(
      field,
      value,
      'It holds a lone surrogate, which no UTF-8 text can; pass well-formed Unicode.',
    )
  }
  return value
}
