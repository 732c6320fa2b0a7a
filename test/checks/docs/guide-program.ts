import { codeBlocks, type CodeBlock } from './code-blocks.js'

/**
 * A guide's blocks of TypeScript go on from each other: one program. SQL that creates or fills tables is part of it, where
 * it stands, through the program's own client.
 */
export async function guideProgram(page: string): Promise<CodeBlock | undefined> {
  const blocks = await codeBlocks(page)
  const first = blocks.find(({ language }) => language === 'ts')
  if (first === undefined) return undefined
  const parts = blocks.flatMap(({ language, code }) => {
    if (language === 'ts') return [code]
    if (language !== 'sql' || !/^(CREATE|INSERT)\b/.test(code)) return []
    return [
      code
        .split(/;\s*(?:\n\s*\n|$)/)
        .filter((query) => query.trim() !== '')
        .map((query) => `await client.command({ query: ${JSON.stringify(query)} })`)
        .join('\n'),
    ]
  })
  return { ...first, code: parts.join('\n\n') }
}
