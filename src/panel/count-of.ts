/** The count of a key in a record of counts; 0 if the key is missing. Safe for any key. */
export function countOf(counts: Readonly<Record<string, number>>, key: string): number {
  return Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0
}
