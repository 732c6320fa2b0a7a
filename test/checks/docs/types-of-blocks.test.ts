import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { codeBlocks, sourceFiles, type CodeBlock } from './code-blocks.js'

// Running an example says that it does what it says; that it type-checks says that a reader's compiler takes it.
const typeScript = (blocks: readonly CodeBlock[]): readonly CodeBlock[] =>
  blocks.filter(({ language }) => language === 'ts')

/** The blocks of a guide go on from each other; those of the README and of a doc comment stand alone. */
async function programs(): Promise<readonly CodeBlock[]> {
  const guides = (await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  const whole = await Promise.all(
    guides.map(async (guide) => {
      const blocks = typeScript(await codeBlocks(guide))
      return blocks
        .slice(0, 1)
        .map((first) => ({ ...first, code: blocks.map(({ code }) => code).join('\n') }))
    }),
  )
  const alone = await Promise.all(['README.md', ...(await sourceFiles('src'))].map(codeBlocks))
  return [...whole.flat(), ...typeScript(alone.flat())]
}

/** What the project's own compiler options say of the programs, each a module of its own beside `tsconfig.json`. */
function errorsOf(blocks: readonly CodeBlock[]): readonly string[] {
  const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as { config: object }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.')
  const files = new Map(blocks.map((block, index) => [resolve(`example-${index}.ts`), block]))
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    readFile: (path) => files.get(path)?.code ?? disk.readFile(path),
    getSourceFile: (path, language, ...rest) => {
      const block = files.get(path)
      return block === undefined
        ? disk.getSourceFile(path, language, ...rest)
        : ts.createSourceFile(path, `${block.code}\nexport {}\n`, language)
    },
  }
  // An example may name what it does not use, or use it in what it says that it gives.
  const lenient = { ...options, noEmit: true, isolatedDeclarations: false, noUnusedLocals: false }
  const program = ts.createProgram([...files.keys()], lenient, host)
  return [...files].flatMap(([path, { file, line }]) => {
    const source = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${file}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  })
}

test('every example type-checks', async () => {
  const blocks = await programs()
  expect(blocks.length).toBeGreaterThan(50)
  expect(errorsOf(blocks)).toEqual([])
}, 120_000)

test('one that does not is told, with its place', () => {
  const code = "import { exposureWindow } from 'first-exposure'\nconst window: string = exposureWindow(0, 1)"
  expect(errorsOf([{ file: 'a.md', line: 7, language: 'ts', code }])).toEqual([
    expect.stringMatching(/^a\.md:7: Type 'ExposureWindow' is not assignable to type 'string'/),
  ])
}, 120_000)
