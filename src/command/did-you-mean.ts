import { distance } from 'fastest-levenshtein'

/** The name that somebody may have meant: the same but for case, spaces and signs, or nearly the same. */
export function didYouMean(written: string, names: Iterable<string>): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
  const all = [...names]
  const same = all.find((name) => plain(name) !== '' && plain(name) === plain(written))
  if (same !== undefined) return same
  const near = all
    .map((name) => ({ name, away: distance(plain(name), plain(written)) }))
    .sort((a, b) => a.away - b.away)[0]
  if (near !== undefined && near.away <= Math.max(1, Math.floor(plain(written).length / 3))) return near.name
  const part = plain(written)
  return part.length < 3
    ? undefined
    : all.find(
        (name) => plain(name).length >= 3 && (plain(name).includes(part) || part.includes(plain(name))),
      )
}
