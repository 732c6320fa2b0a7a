import { identifier } from '../../src/sql/identifiers.js'
import { rendered } from '../../src/sql/statement.js'

/** A name as the library writes it into a statement. */
export function quoted(name: string): string {
  return rendered(identifier(name)).query
}
