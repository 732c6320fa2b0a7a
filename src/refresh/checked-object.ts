import type { Refusal } from './refusal.js'

/** An object that is no array, or the refusal of what came instead. */
export function checkedObject(
  value: unknown,
  path: string,
  refuse: Refusal,
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(path, value, 'Expected an object.')
  }
  return value as Readonly<Record<string, unknown>>
}
