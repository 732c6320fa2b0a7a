/**
 * A key as text that every database can hold and no two keys share: quotes, backslashes, control characters (NUL, which
 * PostgreSQL's `text` refuses) and lone surrogates (which have no UTF-8) are written as JSON's escapes, all else as it is.
 */
export function storedKey(key: string): string {
  return JSON.stringify(key).slice(1, -1)
}
