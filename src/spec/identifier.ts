import { invalidSpec } from './invalid-spec.js'

/** A name that can be quoted: text that is not empty and is well-formed Unicode. */
export function identifier(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed()) {
    throw invalidSpec(field, value, 'Pass a name that is not empty and is well-formed Unicode.')
  }
  return value
}
