import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../../engine/availability.js'
import { project } from './manifest.js'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'first-exposure-command-'))
/** Where the package is installed, and nothing else. */
const empty = join(folder, 'empty')
/** Where a user has chdb, and not the package: npx runs it from a cache. */
const elsewhere = join(folder, 'elsewhere')

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

function inFolder(cwd: string, program: string, ...args: readonly string[]): Promise<Outcome> {
  return new Promise((settle) => {
    const child = execFile(program, args, { cwd }, (_, stdout, stderr) =>
      settle({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}
const command = (...args: readonly string[]): Promise<Outcome> =>
  inFolder(empty, 'npx', '--offline', 'first-exposure', ...args)
const fromCache = (...args: readonly string[]): Promise<Outcome> =>
  inFolder(elsewhere, process.execPath, join(empty, 'node_modules/first-exposure/dist/command.js'), ...args)

/** Puts a package of the project, and what it needs, into a folder: what an install would do. */
function link(name: string, into: string, seen = new Set<string>()): void {
  const source = join(project, 'node_modules', name)
  if (seen.has(name) || !existsSync(source)) return
  seen.add(name)
  const target = join(into, 'node_modules', name)
  mkdirSync(dirname(target), { recursive: true })
  // A copy of the folder whose files are links: what it needs is then looked for beside it.
  mkdirSync(target)
  for (const file of readdirSync(source)) symlinkSync(join(source, file), join(target, file))
  const { dependencies = {}, optionalDependencies = {} } = createRequire(import.meta.url)(
    join(source, 'package.json'),
  ) as Record<'dependencies' | 'optionalDependencies', object | undefined>
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) link(needed, into, seen)
}

beforeAll(async () => {
  for (const each of [empty, elsewhere]) mkdirSync(each)
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: project,
  })
  const [packed] = JSON.parse(stdout) as [{ filename: string }]
  writeFileSync(join(empty, 'package.json'), '{ "private": true }')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, packed.filename)], {
    cwd: empty,
  })
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the command, from the packed package in an empty folder', () => {
  test('says how to get what it needs, in one line each', async () => {
    expect(await command('report')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'report: files and the generated experiment are counted by an embedded ClickHouse, which needs the package chdb; ' +
        'install it with: npm i chdb\n',
    })
    expect(
      (
        await command(
          'report',
          '--url',
          'http://127.0.0.1:1',
          '--no-feature-column',
          '--no-environment-column',
        )
      ).stderr,
    ).toBe('report: --url needs the package @clickhouse/client; install it with: npm i @clickhouse/client\n')
  })

  test('shows what it can do, its version and its own help', async () => {
    const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
    expect((await command('--version')).stdout).toBe(`${version}\n`)
    expect((await command()).stdout).toMatch(/report .*\n[^]*sql .*\n[^]*check-cluster /)
    expect((await command('sql', '--help')).stdout).toContain(
      'Usage: npx first-exposure sql <statement> [options]',
    )
  })

  test('prints statements with nothing else installed', async () => {
    const args = ['sql', 'summary', '--environment', 'prod', '--feature', 'f', '--start', '2026-06-01']
    const { stdout } = await command(...args, '--as-of', '2026-06-15')
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['query', 'query_params', 'format'])
  })

  describe.skipIf(!engineAvailable)('once chdb is there', () => {
    beforeAll(() => {
      link('chdb', elsewhere)
      link('chdb', empty)
    })

    test('reports the generated experiment, and no client of servers is needed', async () => {
      const { exitCode, stdout, stderr } = await command('report')
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^checkout-button\nSource +a generated experiment, \d/)
      expect(existsSync(join(empty, 'node_modules/@clickhouse/client'))).toBe(false)
    })

    test('finds it in the folder of the user, writes the page and who', async () => {
      writeFileSync(
        join(elsewhere, 'events.csv'),
        'user,arm,at\nann,control,2026-06-01 10:00:00\nbob,blue,2026-06-02 10:00:00\n',
      )
      const columns = ['--identity', 'user', '--variant', 'arm', '--timestamp', 'at']
      const { exitCode, stdout } = await fromCache(
        'report',
        '--file',
        'events.csv',
        ...columns,
        '--html',
        'page.html',
        '--assignments',
        'who.csv',
      )
      expect(exitCode).toBe(0)
      expect(stdout).toContain('2 identities entered, in 2 variants.')
      const page = readFileSync(join(elsewhere, 'page.html'), 'utf8')
      // Its script is in it.
      expect(/<script[^]*<\/script>/.exec(page)?.[0].length).toBeGreaterThan(30_000)
      expect(readFileSync(join(elsewhere, 'who.csv'), 'utf8').trim().split('\n')).toHaveLength(3)
    })
  })
})

describe('the command in dist', () => {
  const dist = join(project, 'dist')
  const read = (file: string): string => readFileSync(join(dist, file), 'utf8')

  test('brings all along but the entry points and Node', () => {
    const code = read('command.js')
    expect(code.startsWith('#!/usr/bin/env node\n')).toBe(true)
    const imported = [...code.matchAll(/^(?:import|\} from)\b.*? ?["']([^"'\n]+)["'];?$/gm)].map(
      ([, name]) => name ?? '',
    )
    expect(imported.length).toBeGreaterThan(10)
    const builtin = new Set(createRequire(import.meta.url)('node:module').builtinModules as readonly string[])
    const strangers = imported.filter(
      (name) =>
        !builtin.has(name.replace(/^node:/, '')) &&
        !/^\.\/(index|clickhouse|view|statistics|panel|rollup)\.js$/.test(name),
    )
    expect(strangers).toEqual([])
  })

  test('is in nothing that the library loads', () => {
    for (const file of readdirSync(dist).filter((name) => /\.c?js$/.test(name) && name !== 'command.js')) {
      expect(read(file), file).not.toMatch(
        /node_modules\/(commander|cli-|asciichart)|src\/command\/|["']\.\/command\.js/,
      )
    }
  })
})
