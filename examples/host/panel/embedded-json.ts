/**
 * Data as JSON for a `<script type="application/json">`. No text in it can end the element, open a comment or break a
 * line, and `JSON.parse` gives the data back unchanged.
 */
export function embeddedJson(data: unknown): string {
  return JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
