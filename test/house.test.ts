import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sourceFiles } from './docs/code-blocks.js'

// The rooms in the order of the flow: each may import from those to its left, and from src's own three files.
const core = ['spec', 'query', 'rows', 'summary', 'refresh']
const mayImport: Readonly<Record<string, readonly string[]>> = {
  '': core,
  spec: [],
  query: ['spec'],
  rows: ['spec', 'query'],
  summary: ['spec', 'query', 'rows'],
  refresh: ['spec', 'summary'],
  clickhouse: core,
  view: ['spec', 'summary'],
  statistics: [],
  rollup: ['spec', 'query', 'rows'],
  flagsmith: ['spec', 'summary', 'refresh'],
}
const shared = new Set(['errors', 'freeze', 'instant'])
const packagesOf: Readonly<Record<string, RegExp>> = {
  view: /^(date-fns(-tz)?|@date-fns\/utc)(\/|$)/,
  statistics: /^@stdlib\//,
}

interface Import {
  readonly from: string
  readonly room: string
  readonly target: string
}

async function imports(): Promise<Import[]> {
  const found: Import[] = []
  for (const file of await sourceFiles('src')) {
    const from = relative('src', file)
    const room = from.includes('/') ? (dirname(from).split('/')[0] ?? '') : ''
    const code = (await readFile(file, 'utf8')).replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    for (const [, target = ''] of code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
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
    const all = await imports()
    expect(all.length).toBeGreaterThan(30)
    const wrong = all.filter(({ room, target }) => {
      if (packagesOf[room]?.test(target) === true) return false
      const [targetRoom = ''] = target.includes('/') ? target.split('/') : ['']
      if (targetRoom === room && room !== '') return false
      if (targetRoom === '') return !shared.has(target.replace(/\.js$/, ''))
      return !(mayImport[room] ?? []).includes(targetRoom)
    })
    expect(wrong).toEqual([])
  })

  test('every file of src is reached from a front door', async () => {
    const all = await imports()
    const doors = (await sourceFiles('src'))
      .map((file) => relative('src', file))
      .filter((file) => /(^|\/)index\.ts$/.test(file))
    const reached = new Set(doors)
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

  test('src has no clock, no randomness and no I/O of its own', async () => {
    for (const file of await sourceFiles('src')) {
      const code = (await readFile(file, 'utf8')).replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
      expect(code, file).not.toMatch(/Date\.now|new Date\(\)|performance\.now|from 'node:|process\.|fetch\(/)
      // The one room that talks to a server draws ids and the jitter of retries, where the host gives none.
      if (!file.startsWith('src/clickhouse/'))
        expect(code, file).not.toMatch(/Math\.random|crypto\.|AbortSignal\./)
    }
  })

  test('the lock file carries no download addresses', async () => {
    expect(await readFile('package-lock.json', 'utf8')).not.toMatch(/"resolved": "http/)
  })
})
