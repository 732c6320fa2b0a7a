import { kindOf, type Refusal } from './errors.js'

// The one way to check what a caller passed or a store held. Each check takes the value, its path, which messages name,
// and the refusal to throw; it returns the value, typed. A check that only one room needs is in that room.

/** Returns the value, typed, or throws the refusal of what came instead. */
export type Check<Value> = (value: unknown, path: string, refuse: Refusal) => Value

/** An object that is not an array. */
export const anObject: Check<Readonly<Record<string, unknown>>> = (value, path, refuse) => {
  if (isObject(value)) return value
  throw refuse(path, value, 'Pass an object.')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * An object with no other fields than these: an unknown one would be ignored in silence. The caller checks the values
 * of the fields.
 *
 * @param prefix - what the path of a field begins with; default the path of the object
 */
export function withFields<Value extends object>(
  value: Value,
  names: readonly string[],
  path: string,
  refuse: Refusal,
  prefix: string = `${path}.`,
): Value {
  const listed = names.join(', ')
  if (!isObject(value)) throw refuse(path, value, `Pass an object with the fields ${listed}.`)
  for (const [name, field] of Object.entries(value)) {
    if (names.includes(name)) continue
    const meant = names.find((each) => isNearly(name, each))
    throw refuse(
      `${prefix}${name}`,
      field,
      `The fields are ${listed}.`,
      `Unknown field ${prefix}${name}${meant === undefined ? '.' : `; did you mean ${prefix}${meant}?`}`,
      // Nothing is known of the field: it may be a password.
      kindOf,
    )
  }
  return value
}

/**
 * Something with these methods, such as a client, a store or a signal. What came instead is named by its kind alone: it
 * may be the address of a server, with a password.
 */
export function withMethods(
  value: unknown,
  methods: readonly string[],
  path: string,
  refuse: Refusal,
  advice: string,
): void {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>
  if (methods.every((method) => typeof given[method] === 'function')) return
  throw refuse(path, value, advice, undefined, kindOf)
}

/** A function, such as a clock. What came instead is named by its kind alone. */
export function aFunction(value: unknown, path: string, refuse: Refusal, advice = 'Pass a function.'): void {
  if (typeof value !== 'function') throw refuse(path, value, advice, undefined, kindOf)
}

/** Do two names differ in nothing but case and one or two letters that stand together? */
function isNearly(name: string, known: string): boolean {
  let [a, b] = [name.toLowerCase(), known.toLowerCase()]
  while (a !== '' && a[0] === b[0]) [a, b] = [a.slice(1), b.slice(1)]
  while (a !== '' && a.at(-1) === b.at(-1)) [a, b] = [a.slice(0, -1), b.slice(0, -1)]
  return a.length <= 2 && b.length <= 2
}

/** Text that is not empty and that UTF-8 can hold: a key, or the name of a table. */
export const aName: Check<string> = (value, path, refuse) => {
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value
  throw refuse(path, value, 'Pass text that is not empty and has no lone surrogates.')
}

/** Any text: the key of a variant, which may hold anything. */
export const aString: Check<string> = (value, path, refuse) => {
  if (typeof value === 'string') return value
  throw refuse(path, value, 'Pass a string.')
}

/** A whole number from `least` to `most`. */
export function aWholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, path, refuse) => {
    // JSON has no -0.
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most)
      return Number(value) + 0
    const upTo = most === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : most.toLocaleString('en')
    throw refuse(path, value, `Pass a whole number from ${least} to ${upTo}.`)
  }
}

/** One of these literals. */
export function oneOf<Value extends string>(values: readonly Value[]): Check<Value> {
  return (value, path, refuse) => {
    if (values.includes(value as Value)) return value as Value
    throw refuse(path, value, `Pass ${values.map((each) => `'${each}'`).join(' or ')}.`)
  }
}

/** `true` or `false`. */
export const aBoolean: Check<boolean> = (value, path, refuse) => {
  if (typeof value === 'boolean') return value
  throw refuse(path, value, 'Pass true or false.')
}

/** An array; what it holds is for the caller to check. */
export const aList: Check<readonly unknown[]> = (value, path, refuse) => {
  if (Array.isArray(value)) return value
  throw refuse(path, value, 'Pass an array.')
}
