import { readFile, readdir } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import ts from 'typescript'

/** A fenced block of code, and where it stands. */
export interface CodeBlock {
  readonly file: string
  readonly line: number
  readonly language: string
  readonly code: string
}

/** The fenced blocks of a Markdown file, or of the doc comments of a source file. */
export async function codeBlocks(file: string): Promise<readonly CodeBlock[]> {
  const blocks: CodeBlock[] = []
  let open: { line: number; language: string; lines: string[] } | undefined
  for (const [index, raw] of (await readFile(file, 'utf8')).split('\n').entries()) {
    const line = file.endsWith('.ts') ? raw.replace(/^\s*\* ?/, '') : raw
    const fence = /^```(\w*)\s*$/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { line: index + 1, language: fence[1] ?? '', lines: [] }
    else {
      blocks.push({ file, line: open.line, language: open.language, code: open.lines.join('\n') })
      open = undefined
    }
  }
  return blocks
}

/** Every TypeScript file below a folder. */
export async function sourceFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort()
}

/**
 * Runs an example. A line `expression // => expected` must hold; what is expected may go on in comment lines below.
 * Returns how many such lines there were. `modules` are what it may import.
 */
export async function runExample(
  { code, file, line }: CodeBlock,
  modules: Readonly<Record<string, unknown>>,
): Promise<number> {
  let checks = 0
  const check = (actual: unknown, expected: unknown, text: string): void => {
    checks++
    if (!isDeepStrictEqual(actual, expected)) {
      throw new Error(
        `${file}:${line}: ${text}\n  is       ${JSON.stringify(actual)}\n  expected ${JSON.stringify(expected)}`,
      )
    }
  }
  const { outputText } = ts.transpileModule(withChecks(code), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const require = (name: string): unknown => {
    if (!(name in modules)) throw new Error(`${file}:${line}: imports ${name}, which an example may not`)
    return modules[name]
  }
  // oxlint-disable-next-line typescript/no-implied-eval, eslint/no-new-func -- the code is the project's own documentation
  const run = new Function('require', 'exports', 'check', `return (async () => {${outputText}\n})()`) as (
    ...args: unknown[]
  ) => Promise<void>
  await run(require, {}, check)
  return checks
}

/** Turns each `expression // => expected` into a call of check. */
function withChecks(code: string): string {
  const lines = code.split('\n')
  const out: string[] = []
  let statement: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const [, expression, inline] = /^(.*?)\s*\/\/ => (.*)$/.exec(lines[i] ?? '') ?? []
    if (inline === undefined) {
      statement.push(lines[i] ?? '')
      // A statement ends where the next line is not its continuation.
      if (!/^(\s|[)\]}.])/.test(lines[i + 1] ?? '') && lines[i + 1]?.startsWith('// => ') !== true) {
        out.push(...statement)
        statement = []
      }
      continue
    }
    const expected = [inline]
    while (lines[i + 1]?.startsWith('// ') === true && lines[i + 1]?.includes('// => ') !== true) {
      expected.push((lines[++i] ?? '').slice(3))
    }
    const actual = [...statement, expression ?? ''].join('\n').trim()
    out.push(`check(${actual}, (${expected.join('\n')}), ${JSON.stringify(actual)})`)
    statement = []
  }
  return [...out, ...statement].join('\n')
}
