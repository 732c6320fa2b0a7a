import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import * as core from 'first-exposure'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../../engine/availability.js'
import { openInProcess } from '../../engine/in-process.js'
import { codeBlocks, runExample } from './code-blocks.js'
import { insertDocumentedEvents } from './documented-events.js'
import { entryPoints } from './entry-points.js'
import { checkShellCommand, shellCommands } from './shell-commands.js'

const blocks = await codeBlocks('README.md')
const manifest = JSON.parse(await readFile('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

describe('the README', () => {
  describe.skipIf(!engineAvailable)('its examples', () => {
    const client = engineAvailable ? openInProcess() : undefined
    const modules = { ...entryPoints, '@clickhouse/client': { createClient: () => client } }
    beforeAll(async () => {
      if (client === undefined) return
      await insertDocumentedEvents(client)
    })
    afterAll(async () => {
      await client?.close()
    })
    const examples = blocks.filter(({ language }) => language === 'ts')
    test.each(examples.map((block) => [`line ${block.line}`, block] as const))('%s', async (_, block) => {
      expect(await runExample(block, modules)).toBeGreaterThan(0)
    })

    test('the default spec asks the table that it shows', async () => {
      const table = blocks.find(({ language }) => language === 'sql')
      const query = table?.code.replace('CREATE TABLE events', 'CREATE OR REPLACE TABLE readme_events') ?? ''
      expect(query).toContain('readme_events')
      await client?.command({ query })
      const source = { ...core.flagsmithEvents(), table: 'readme_events' }
      const spec = core.exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source })
      const window = core.exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
      // The ledger reads every column of the layout, the arrival too.
      for (const asked of [core.firstExposuresQuery(spec, window), core.exposureLedgerQuery(spec, window)])
        await expect(client?.query(asked).then((result) => result.json())).resolves.toBeDefined()
    })
  })

  test('its commands are those of the package', async () => {
    const lines = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code)
    expect(lines).toContain('npm ci && npm run report')
    expect(lines).toContain('npm ci && npm test')
    for (const command of shellCommands(blocks)) await checkShellCommand(command)
  })

  test('what those scripts run is there, in a clone too', () => {
    const files = Object.values(manifest.scripts).flatMap(
      (script) => script.match(/\b(?:bench|examples|src|test)\/[\w./-]+/g) ?? [],
    )
    expect(files).toContain('test/vitest.config.ts')
    expect(files.filter((file) => !existsSync(file))).toEqual([])
  })

  test('its summary is a summary', () => {
    const json = blocks.find(({ language }) => language === 'json')
    const shown = JSON.parse(json?.code ?? '') as core.ExposuresSummary
    expect(core.mergeExposuresSummaries(shown)).toEqual(shown)
  })

  test('the guide’s table of codes is that of the errors', async () => {
    const page = await readFile('docs/errors.md', 'utf8')
    const documented = [...(await readFile('src/errors.ts', 'utf8')).matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(
      ([, code]) => code,
    )
    expect(documented.length).toBeGreaterThan(5)
    for (const code of documented) expect(page).toMatch(new RegExp(`^\\| \`${code}\` +\\|`, 'm'))
  })

  test('the guide to the functions names every public one', async () => {
    const page = await readFile('docs/functions.md', 'utf8')
    for (const module of Object.values(entryPoints)) {
      for (const name of Object.keys(module)) expect(page).toMatch(new RegExp(`\\b${name}\\b`))
    }
  })
})
