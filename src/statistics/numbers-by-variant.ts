import { received } from '../errors.js'
import { invalidStatistics } from './invalid-statistics.js'

/**
 * The entries of a record of numbers, whatever its keys are called. What is no such record at all is misuse and
 * throws; which numbers make sense is for the caller to say.
 */
export function numbersByVariant(value: unknown, argument: string): readonly (readonly [string, number])[] {
  // A Map, a Set or an array has no entries of its own that are variants: read as a record it would seem empty.
  if (typeof value !== 'object' || value === null || Symbol.iterator in value) {
    throw invalidStatistics(argument, value, 'Pass a plain object of numbers by variant key.')
  }
  const entries: (readonly [string, unknown])[] = Object.entries(value)
  for (const [variant, number] of entries) {
    if (typeof number !== 'number') {
      throw invalidStatistics(`${argument} of variant ${received(variant)}`, number, 'Pass a number.')
    }
  }
  // A negative zero is a zero; JSON would make it one.
  return (entries as (readonly [string, number])[]).map(([variant, number]) => [variant, number + 0] as const)
}

/** Why these are no counts of identities, in words; undefined where they are. */
export function whyNoCounts(
  counts: readonly (readonly [string, number])[],
  name: string,
): string | undefined {
  const wrong = counts.find(([, count]) => !Number.isSafeInteger(count) || count < 0)
  return wrong && `${name} of variant ${received(wrong[0])} is ${wrong[1]}, which is no count of identities.`
}
