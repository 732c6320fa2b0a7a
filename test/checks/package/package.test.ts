import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryPoints } from './manifest.js'

const run = promisify(execFile)

describe('the package, as published', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'first-exposure-package-'))
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
    const [packed] = JSON.parse(stdout) as [{ filename: string }]
    await writeFile(join(folder, 'package.json'), '{ "name": "consumer", "private": true }')
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`], {
      cwd: folder,
    })
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test('the core needs nothing else to be installed', async () => {
    const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder })
    expect(
      stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((path) => path.split('/node_modules/')[1]),
    ).toEqual(['first-exposure'])
  })

  test('every entry point loads as ESM and as CommonJS, with the same names', async () => {
    expect(entryPoints.length).toBeGreaterThan(1)
    for (const { name: entry } of entryPoints) {
      const esm = `import * as all from '${entry}'; console.log(JSON.stringify(Object.keys(all).sort()))`
      const cjs = `console.log(JSON.stringify(Object.keys(require('${entry}')).sort()))`
      const asEsm = await run(process.execPath, ['--input-type=module', '-e', esm], { cwd: folder })
      const asCjs = await run(process.execPath, ['-e', cjs], { cwd: folder })
      expect(JSON.parse(asEsm.stdout)).toEqual(JSON.parse(asCjs.stdout))
    }
  })

  test.each(['ESM', 'CommonJS'])(
    'an error thrown by one entry point is known to another (%s)',
    async (kind) => {
      const names = '{ ExposureError, exposureSpec, exposureWindow, isExposureError }'
      const load =
        kind === 'ESM'
          ? `import ${names} from 'first-exposure'; import { fetchExposuresSummary } from 'first-exposure/clickhouse'`
          : `const ${names} = require('first-exposure'); const { fetchExposuresSummary } = require('first-exposure/clickhouse')`
      const script = `${load}
      const client = { query: async () => ({ json: async () => [1] }) }
      const spec = exposureSpec({ environmentKey: 'e', featureName: 'f' })
      fetchExposuresSummary(client, spec, exposureWindow(1780272000000, 1780272000001)).catch((error) => {
        console.log(error instanceof ExposureError, isExposureError(error, 'malformed-rows'))
      })`
      const args = kind === 'ESM' ? ['--input-type=module', '-e', script] : ['-e', script]
      expect((await run(process.execPath, args, { cwd: folder })).stdout.trim()).toBe('true true')
    },
  )
})
