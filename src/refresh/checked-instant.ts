import type { Refusal } from './refusal.js'

/** Whole epoch milliseconds that a Date can hold, or the refusal of what came instead. */
export function checkedInstant(value: unknown, path: string, refuse: Refusal): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) > 8.64e15) {
    throw refuse(path, value, 'Expected whole epoch milliseconds, at most 8.64e15 either side of 1970.')
  }
  // JSON has no -0, and two states that differ by nothing else would be one when stored.
  return value + 0
}
