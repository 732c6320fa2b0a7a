import { aName, aString, type Check } from '../checks.js'
import { invalidPolicy } from '../errors.js'

/**
 * A key as a text that a database can store, different for different keys: the inside of a JSON string. It escapes NUL,
 * which PostgreSQL refuses and some drivers of SQLite cut at, and lone surrogates, which UTF-8 cannot hold.
 * Throws `invalid-policy` if the key is not text: without the check, 123 would be stored under the same key as '2'.
 */
export function storedKey(key: string): string {
  return JSON.stringify(aString(key, 'key', invalidPolicy)).slice(1, -1)
}

/** What PostgreSQL keeps of a name; it cuts the rest off without an error. */
const mostBytes = 63

/** The name of a table or a schema, alone. */
export const aStoredName: Check<string> = (value, path, refuse) => {
  const name = aName(value, path, refuse)
  const bytes = new TextEncoder().encode(name).length
  if (bytes <= mostBytes && !/[\0.]/.test(name)) return name
  throw refuse(path, value, `Pass the name alone: 1 to ${mostBytes} bytes, without a dot and without NUL.`)
}

/** The one place where a name becomes text of these databases. They read it as it is, if its quotes are doubled. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
