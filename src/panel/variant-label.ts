// What is invisible and belongs to what stands around it: a joiner inside an emoji or between letters of a script that
// joins them, a selector of a variant of a sign, the tags of a flag.
const joining =
  /(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{M}\p{Lo}])[\u200c\u200d](?=[\p{Extended_Pictographic}\p{M}\p{Lo}])|(?<=[\p{Extended_Pictographic}\p{Lo}])\p{Variation_Selector}|(?<=[#*0-9])\ufe0f(?=\u20e3)|(?<=\u{1f3f4})[\u{e0020}-\u{e007f}]+/u
// Control characters, the invisible marks that change the direction of text, and all else that has no width or no ink.
const unseen = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\ufff9-\ufffb]/u
// Spaces that do not stand between two words, and those that look like the usual one. The wide one of Chinese and
// Japanese does not.
const oddSpace = /^[ \u3000]+|(?<=[ \u3000])[ \u3000]+|[ \u3000]+$|[^\S \u3000]/gu

const joiningOrUnseen = /* @__PURE__ */ new RegExp(`(${joining.source})|${unseen.source}`, 'gu')

/**
 * Text of somebody else for people: no character in it can control a terminal, turn the direction of the text, or be there
 * unseen.
 */
export function visible(text: string): string {
  return text.replace(
    joiningOrUnseen,
    (characters, joined: string | undefined) => joined ?? escaped(characters),
  )
}

/** A name for people: `visible`, and no two names differ only in spaces that nobody sees. */
export function visibleName(name: string): string {
  return visible(name).replace(oddSpace, escaped)
}

function escaped(characters: string): string {
  return Array.from(characters, (character) => {
    const code = character.codePointAt(0)?.toString(16) ?? ''
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  }).join('')
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
  // Firefox has it since 2024.
  return 'Segmenter' in Intl
    ? Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
    : Array.from(text)
}
