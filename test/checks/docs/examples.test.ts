import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { codeBlocks, runExample, sourceFiles } from './code-blocks.js'
import { entryPoints } from './entry-points.js'

const blocks = (await Promise.all((await sourceFiles('src')).map(codeBlocks)))
  .flat()
  .filter(({ language }) => language === 'ts')

describe('the examples in the doc comments', () => {
  test.each(blocks.map((block) => [`${block.file}:${block.line}`, block] as const))(
    '%s',
    async (_, block) => {
      await runExample(block, entryPoints)
    },
  )

  test('every public function has one, which checks something', async () => {
    const documented = blocks.map(({ code }) => code).join('\n')
    const functions = Object.values(entryPoints).flatMap((module) =>
      Object.entries(module as Record<string, unknown>).filter(([, value]) => typeof value === 'function'),
    )
    expect(functions.length).toBeGreaterThan(8)
    // A deprecated name is the function of the name that has the example.
    const shown = new Set(functions.filter(([name]) => documented.includes(name)).map(([, value]) => value))
    expect(functions.filter(([, value]) => !shown.has(value)).map(([name]) => name)).toEqual([])
    expect(blocks.filter(({ code }) => code.includes('// => ')).length).toBeGreaterThan(functions.length / 2)
  })

  test('every entry point of the package is among them', async () => {
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as { exports: object }
    const published = Object.keys(manifest.exports).filter((path) => path !== './package.json')
    expect(Object.keys(entryPoints).sort()).toEqual(
      published.map((path) => path.replace('.', 'first-exposure')).sort(),
    )
  })

  test('an example that is wrong fails', async () => {
    const block = {
      file: 'a.ts',
      line: 1,
      language: 'ts',
      code: '[1,\n  2]\n// => [\n//   1,\n//   3,\n// ]',
    }
    await expect(runExample(block, {})).rejects.toThrow('a.ts:1')
    await expect(runExample({ ...block, code: block.code.replace('3', '2') }, {})).resolves.toBe(1)
  })
})
