/** What a record of counts has for a key, whatever the key: 0 where it has nothing. */
export function countOf(counts: Readonly<Record<string, number>>, key: string): number {
  return Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0
}
