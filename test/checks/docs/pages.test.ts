import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import Database from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../../engine/availability.js'
import { openInProcess } from '../../engine/in-process.js'
import { codeBlocks, runExample } from './code-blocks.js'
import { insertDocumentedEvents } from './documented-events.js'
import { entryPoints } from './entry-points.js'
import { guideProgram } from './guide-program.js'
import { checkShellCommand, shellCommands } from './shell-commands.js'

const pages = (await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)

describe.each(pages)('%s', (page) => {
  test.skipIf(!engineAvailable)('its examples say what happens', async () => {
    const program = await guideProgram(page)
    if (program === undefined) return
    const modules = {
      ...entryPoints,
      '@clickhouse/client': { createClient: () => client },
      'chdb/connection': { createChdbConnection: () => undefined },
      libsql: Database,
      pg,
    }
    expect(await runExample(program, modules)).toBeGreaterThan(0)
  })

  test('its commands are those of the package', async () => {
    for (const command of shellCommands(await codeBlocks(page))) await checkShellCommand(command)
  })

  test('its links lead somewhere', async () => {
    for (const { file, anchor } of await relativeLinksOf(page)) {
      expect(existsSync(file), file).toBe(true)
      if (anchor !== undefined) expect(await anchorsOf(file), `${file}#${anchor}`).toContain(anchor)
    }
  })
})

test('the README’s links lead somewhere', async () => {
  const targets = await relativeLinksOf('README.md')
  expect(targets.length).toBeGreaterThan(10)
  for (const { file, anchor } of targets) {
    expect(existsSync(file), file).toBe(true)
    if (anchor !== undefined) expect(await anchorsOf(file), `${file}#${anchor}`).toContain(anchor)
  }
})

// A reader on the registry has no repository beside the page.
test.each(['README.md', ...pages])('the links of %s lead to what is published', async (page) => {
  const { files } = JSON.parse(await readFile('package.json', 'utf8')) as { files: readonly string[] }
  const published = ['README.md', 'LICENSE', 'package.json', ...files]
  const isPublished = (file: string): boolean =>
    published.some((entry) =>
      entry.includes('*')
        ? new RegExp(`^${entry.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(file)
        : file === entry || file.startsWith(`${entry}/`),
    )
  const targets = (await relativeLinksOf(page)).map(({ file }) => file)
  expect(targets.filter((file) => !isPublished(file))).toEqual([])
})

interface Link {
  /** From the project's root. */
  readonly file: string
  readonly anchor: string | undefined
}

/** Where a page links to, other than absolute addresses. */
async function relativeLinksOf(page: string): Promise<readonly Link[]> {
  const text = await readFile(page, 'utf8')
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, target = '', anchor]) => ({
    file: target === '' ? page : normalize(join(dirname(page), target)),
    anchor,
  }))
}

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
