import type { Refusal } from '../errors.js'

// Far deeper than any summary, far shallower than the stack: a cycle ends here.
const deepest = 100

/**
 * A frozen copy of JSON data with its keys in one order, so that equal data gives equal `JSON.stringify`. It refuses
 * what JSON would lose or change: `undefined`, `NaN`, a Date, a Map, a hole, a cycle.
 *
 * The order is that of UTF-16 code units, after the array-like keys (`0`, `17`), which every JavaScript object keeps
 * first and ascending.
 */
export function canonicalCopy<Value>(value: Value, path: string, refuse: Refusal): Value {
  return copy(value, path, refuse, 0) as Value
}

function copy(value: unknown, path: string, refuse: Refusal, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  // JSON has no -0.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (typeof value === 'object' && depth < deepest) {
    if (Array.isArray(value)) {
      // Not map, which passes over holes.
      return Object.freeze(
        Array.from(value, (item: unknown, index) => copy(item, `${path}[${index}]`, refuse, depth + 1)),
      )
    }
    // A prototype without a prototype is some realm's Object.prototype.
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === null || Object.getPrototypeOf(prototype) === null) {
      const record = value as Readonly<Record<string, unknown>>
      return Object.freeze(
        // fromEntries defines properties where an assignment to __proto__ would set the prototype.
        Object.fromEntries(
          Object.keys(record)
            .sort()
            .map((key) => [key, copy(record[key], `${path}.${key}`, refuse, depth + 1)]),
        ),
      )
    }
  }
  throw refuse(
    path,
    value,
    `Pass data that survives JSON: null, booleans, finite numbers, strings, arrays and plain objects, ` +
      `nested at most ${deepest} deep.`,
  )
}
