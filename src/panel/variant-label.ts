/** Text of somebody else for people: no character in it can control a terminal or turn the direction of the text. */
export function visible(text: string): string {
  return text.replace(
    // Control characters, and the invisible marks that change the direction of text.
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The first characters of a text, as people count them, with an ellipsis if there are more. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const characters = charactersOf(text)
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`
}

/**
 * Short forms of some texts, all different where the texts differ: the beginning and the end of each. Where two are
 * alike in both, they get longer until they differ, and at the worst stay whole.
 */
export function shortened(texts: readonly string[], maxLength: number): readonly string[] {
  const short = texts.map((text) => middleCut(text, maxLength))
  const wholes = new Map<string, Set<string>>()
  short.forEach((form, place) => {
    wholes.set(form, (wholes.get(form) ?? new Set()).add(texts[place] ?? ''))
  })
  const unclear = texts.filter((_, place) => (wholes.get(short[place] ?? '')?.size ?? 0) > 1)
  if (unclear.length === 0) return short
  const clearer = new Map(
    shortened(unclear, maxLength * 2).map((form, place) => [unclear[place] ?? '', form] as const),
  )
  return texts.map((text, place) => clearer.get(text) ?? short[place] ?? '')
}

function middleCut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const characters = charactersOf(text)
  if (characters.length <= maxLength) return text
  const head = Math.ceil((maxLength - 1) / 2)
  return `${characters.slice(0, head).join('')}…${characters.slice(head + 1 - maxLength).join('')}`
}

function charactersOf(text: string): readonly string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
}
