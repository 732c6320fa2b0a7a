/**
 * Data as JSON that can stand inside a `<script type="application/json">`: no text of it can end the element, open a
 * comment in it or break a line of it, and `JSON.parse` gives it back unchanged.
 */
export function embeddedJson(data: unknown): string {
  return JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
