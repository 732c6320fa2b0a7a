import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// What was built, where no package can be found: as in a project that has installed nothing else.
const folder = mkdtempSync(join(tmpdir(), 'first-exposure-statistics-'))

beforeAll(() => {
  cpSync('dist', folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
})

afterAll(() => rmSync(folder, { recursive: true }))

const program = (load: string) => `${load}
  const points = [{ start: '2026-06-01T00:00:00Z', newIdentities: { a: 3123, b: 6877 } }]
  const even = { a: 1, b: 1 }
  console.log(JSON.stringify([
    sampleRatio(points[0].newIdentities, even).pValue,
    sequentialSampleRatio(points, even).status,
    excludedRatio({ total: 99, excludedIdentities: 1 }).share,
  ]))`
const names = '{ sampleRatio, sequentialSampleRatio, excludedRatio }'

describe('the built first-exposure/statistics', () => {
  test.each([
    ['ESM', 'module', `import ${names} from './statistics.js'`],
    ['CommonJS', 'commonjs', `const ${names} = require('./statistics.cjs')`],
  ])('runs as %s, with nothing else installed and no code from strings', (_, type, load) => {
    const flags = ['--disallow-code-generation-from-strings', `--input-type=${type}`, '--eval', program(load)]
    const [pValue, status, share] = JSON.parse(
      execFileSync(process.execPath, flags, { cwd: folder, encoding: 'utf8' }),
    ) as [number, string, number]
    expect(Math.abs(pValue / 2.051357801920511e-308 - 1)).toBeLessThan(1e-12)
    expect([status, share]).toEqual(['mismatch', 0.01])
  })

  test('asks for no package, no part of Node, and no eval that a page may forbid', () => {
    const built = readdirSync(folder).filter((file) => /^(statistics|chunk-.*)\.c?js$/.test(file))
    expect(built).toEqual(expect.arrayContaining(['statistics.cjs', 'statistics.js']))
    for (const file of built) {
      const text = readFileSync(join(folder, file), 'utf8').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '')
      const imported = [...text.matchAll(/(?<!["'.])\b(?:from|import|require\()\s*["']([^"']*)["']/g)].map(
        ([, name]) => name,
      )
      expect(imported.filter((name) => !name?.startsWith('./'))).toEqual([])
      expect(text).not.toMatch(/\beval\(|\bnew Function\b|\bFunction\(|\bprocess\.|\bBuffer\b/)
    }
  })

  test('carries the licences of what is in it, and of nothing else', () => {
    const licences = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
    expect(licences).toContain('@stdlib/math-base-special-gammainc 0.3.1')
    expect(licences).toContain('@stdlib/math-base-special-erfc ')
    expect(licences).toContain('Apache License')
    expect(licences).toContain('Boost Software License')
    expect(licences).toContain('Copyright (C) 1993 by Sun Microsystems')
    expect(licences).not.toMatch(/@stdlib\/(napi|utils-library-manifest|assert-has-generator-support)/)
    expect(licences).not.toContain(folder)
  })
})
