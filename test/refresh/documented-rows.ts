import { readFileSync } from 'node:fs'

/** The rows of the one Markdown table in a source file's comment on a function: what it returns, and when. */
export function documentedRows(file: string): readonly { readonly result: string; readonly when: string }[] {
  const source = readFileSync(new URL(`../../src/refresh/${file}`, import.meta.url), 'utf8')
  return [...source.matchAll(/^ \* \| `([^`]+)` \| (.+) \|$/gm)].map(([, result = '', when = '']) => ({
    result,
    when,
  }))
}
