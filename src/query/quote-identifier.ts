/**
 * The one place where a name from a caller becomes SQL text. Inside backticks ClickHouse reads a backslash as an
 * escape, so both are escaped; every other character stands for itself there.
 */
export function quoteIdentifier(name: string): string {
  return '`' + name.replaceAll('\\', '\\\\').replaceAll('`', '\\`') + '`'
}
