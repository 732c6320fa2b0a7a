import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sourceFiles } from './docs/code-blocks.js'

// The rooms, each with those that it may import from at run time: downwards only. Types may come from anywhere.
const core = ['time', 'sql', 'experiment', 'scan', 'questions', 'refresh']
const mayImport: Record<string, readonly string[]> = {
  '': core,
  time: [],
  sql: [],
  experiment: ['time', 'sql'],
  scan: ['time', 'sql', 'experiment'],
  questions: ['time', 'sql', 'experiment', 'scan'],
  refresh: ['time', 'questions'],
  clickhouse: core,
  stores: ['refresh'],
  rollup: ['time', 'sql', 'experiment', 'scan', 'questions'],
  view: ['time', 'questions'],
  statistics: ['time'],
  panel: ['time', 'experiment', 'questions', 'refresh', 'view', 'statistics'],
  flagsmith: ['time', 'questions', 'refresh'],
}
// The command stands above everything, and nothing of the library imports it.
const doors = ['clickhouse', 'stores', 'rollup', 'view', 'statistics', 'panel', 'flagsmith']
mayImport['command'] = [...core, ...doors]
const shared = new Set(['errors', 'freeze', 'checks'])
const packagesOf: Readonly<Record<string, RegExp>> = {
  experiment: /^@noble\/hashes\/sha2\.js$/,
  view: /^(date-fns(-tz)?|@date-fns\/utc)(\/|$)/,
  statistics: /^@stdlib\//,
  panel: /^d3-(array|shape)$/,
  command: /^(node:[a-z_/]+|commander|cli-table3|cli-progress|asciichart|fastest-levenshtein|tinyglobby)$/,
}

/** What the build bundles as a program: front doors that nobody imports. */
const programs = ['panel/browser/page-main.ts', 'command/main.ts']

interface Import {
  readonly from: string
  readonly room: string
  readonly target: string
}

async function imports({ withTypes }: { withTypes: boolean }): Promise<Import[]> {
  const found: Import[] = []
  for (const file of await sourceFiles('src')) {
    const from = relative('src', file)
    const room = from.includes('/') ? (dirname(from).split('/')[0] ?? '') : ''
    const code = (await readFile(file, 'utf8')).replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    const atRunTime = code.replaceAll(/^(?:import|export) type [^;]*? from '[^']+'$/gm, '')
    for (const [, target = ''] of (withTypes ? code : atRunTime).matchAll(
      /(?:\b(?:from|import)\s+|\bimport\s*\(\s*)'([^']+)'/g,
    )) {
      found.push({
        from,
        room,
        target: target.startsWith('.') ? relative('src', resolve('src', dirname(from), target)) : target,
      })
    }
  }
  return found
}

describe('the house', () => {
  test('imports only point the way the house allows', async () => {
    const all = await imports({ withTypes: false })
    expect(all.length).toBeGreaterThan(30)
    const wrong = all.filter(({ room, target }) => {
      if (packagesOf[room]?.test(target) === true) return false
      const [targetRoom = ''] = target.includes('/') ? target.split('/') : ['']
      if (targetRoom === room && room !== '') return false
      if (room === 'command' && target === 'index.js') return false
      if (targetRoom === '') return !shared.has(target.replace(/\.js$/, ''))
      return !(mayImport[room] ?? []).includes(targetRoom)
    })
    expect(wrong).toEqual([])
  })

  test('every file of src is reached from a front door', async () => {
    const all = await imports({ withTypes: true })
    const doors = (await sourceFiles('src'))
      .map((file) => relative('src', file))
      .filter((file) => /(^|\/)index\.ts$/.test(file))
    const reached = new Set([...doors, ...programs])
    for (const file of reached) {
      for (const { from, target } of all)
        if (from === file && target.endsWith('.js')) reached.add(target.replace(/\.js$/, '.ts'))
    }
    expect(
      (await sourceFiles('src'))
        .map((file) => relative('src', file))
        // Ambient types of a dependency are imported by nobody.
        .filter((file) => !reached.has(file) && !file.endsWith('.d.ts')),
    ).toEqual([])
  })

  test('the library has no clock, no randomness and no I/O of its own', async () => {
    for (const file of await sourceFiles('src')) {
      if (file.startsWith('src/command/')) continue
      const code = (await readFile(file, 'utf8')).replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
      expect(code, file).not.toMatch(/from 'node:|process\./)
      // What is drawn in a page lives in its time; only the script of a page of its own asks its server.
      // What a message says to pass is no reading of a clock.
      if (!file.startsWith('src/panel/browser/'))
        expect(code.replaceAll(/'[^'\n]*'/g, "''"), file).not.toMatch(
          /Date\.now|new Date\(\)|performance\.now/,
        )
      if (file !== `src/${programs[0]}`) expect(code, file).not.toMatch(/\bfetch\(/)
      // The two rooms that talk to servers draw ids, versions and the jitter of retries, where the host gives none.
      if (!/^src\/(clickhouse|stores)\//.test(file))
        expect(code, file).not.toMatch(/Math\.random|crypto\.|AbortSignal\./)
    }
  })

  test('the lock file carries no download addresses', async () => {
    expect(await readFile('package-lock.json', 'utf8')).not.toMatch(/"resolved": "http/)
  })
})
