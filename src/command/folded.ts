// Spaces of every kind, and signs that nobody sees, such as a zero-width space.
const around = '[\\s\\p{Z}\\p{Cf}]+'
const unseen = `^${around}|${around}$|\\p{Cf}+`

/** A value without what readers do not see: case, spaces around it, signs of no width, and how an accent is stored. */
export function foldedText(text: string): string {
  return text.normalize('NFC').replace(new RegExp(unseen, 'gu'), '').toLowerCase()
}

/** The expression of the engine for the same. */
export function foldedSql(text: string): string {
  const pattern = unseen.replaceAll('\\', '\\\\')
  return `lowerUTF8(replaceRegexpAll(normalizeUTF8NFC(toValidUTF8(${text})), '${pattern}', ''))`
}

/** A text in which signs that look like others, or like nothing, are written as codes. */
export function withSeenSigns(text: string): string {
  return text.replace(
    /[\p{Cf}\p{M}]|[^\S ]/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
