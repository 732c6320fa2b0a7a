import type { Check } from '../checks.js'
import { skippedSql } from '../sql/skipped-sql.js'
import type { TrustedSql } from '../sql/trusted-sql.js'

/** A trusted SELECT that can stand in parentheses. Refuses what would read as something else there. */
export const aTrustedSelect: Check<TrustedSql> = (value, path, refuse) => {
  const select = value as TrustedSql
  // Values stand in the place of literals.
  const text = select.sql.join(' 0 ').replaceAll(skippedSql, ' ').trim()
  if (!/^[\s(]*(?:select|with|from)\b/i.test(text)) {
    throw refuse(
      path,
      select,
      'Pass a whole SELECT: trustedSql`SELECT … FROM …`. The name of a table is passed as text.',
      `${path} is SQL, but no SELECT.`,
    )
  }
  if (text.includes(';')) {
    throw refuse(
      path,
      select,
      'Remove it.',
      `${path} has a semicolon, which would end the statement inside its parentheses.`,
    )
  }
  return select
}
