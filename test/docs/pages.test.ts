import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'
import { codeBlocks, runExample, type CodeBlock } from './code-blocks.js'
import { insertDocumentedEvents } from './documented-events.js'
import { entryPoints } from './entry-points.js'

const pages = (await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
const scripts = Object.keys(
  (JSON.parse(await readFile('package.json', 'utf8')) as { scripts: object }).scripts,
)

/** A page's blocks of TypeScript go on from each other: one program. */
async function programOf(page: string): Promise<CodeBlock | undefined> {
  const blocks = (await codeBlocks(page)).filter(({ language }) => language === 'ts')
  const [first] = blocks
  return first && { ...first, code: blocks.map(({ code }) => code).join('\n\n') }
}

describe.each(pages)('%s', (page) => {
  test.skipIf(!engineAvailable)('its examples say what happens', async () => {
    const program = await programOf(page)
    if (program === undefined) return
    expect(
      await runExample(program, { ...entryPoints, '@clickhouse/client': { createClient: () => client } }),
    ).toBeGreaterThan(0)
  })

  test('its commands are scripts of the package', async () => {
    const commands = (await codeBlocks(page))
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code }) => code.split(/\n| && /))
    for (const command of commands) {
      const [, script] = /^npm (?:run (?:-s )?)?(\S+)/.exec(command) ?? []
      expect(['ci', 'install', ...scripts], command).toContain(script)
    }
  })

  test('its links lead somewhere', async () => {
    const text = await readFile(page, 'utf8')
    for (const [, target = '', anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const file = target === '' ? page : normalize(join(dirname(page), target))
      expect(existsSync(file), `${page}: ${target}`).toBe(true)
      if (anchor !== undefined)
        expect(await anchorsOf(file), `${page}: ${target}#${anchor}`).toContain(anchor)
    }
  })
})

test('the README’s links lead somewhere', async () => {
  for (const [, target = ''] of (await readFile('README.md', 'utf8')).matchAll(
    /\]\((?!https?:)([^)#\s]+)[^)]*\)/g,
  )) {
    expect(existsSync(target), target).toBe(true)
  }
})

/** The anchors of a page's headings, as its hosts make them. */
async function anchorsOf(page: string): Promise<readonly string[]> {
  return [...(await readFile(page, 'utf8')).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

const client = engineAvailable ? openInProcess() : undefined
beforeAll(async () => {
  if (client !== undefined) await insertDocumentedEvents(client)
})
afterAll(async () => {
  await client?.close()
})
