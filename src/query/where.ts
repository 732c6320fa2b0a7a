/** A WHERE on a line of its own, so far in; nothing where there is nothing to ask. */
export function where(predicates: readonly string[], indent: number): string {
  const line = `\n${' '.repeat(indent)}`
  return predicates.length === 0 ? '' : `${line}WHERE ${predicates.join(`${line}  AND `)}`
}
