import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exposureSpec, exposureWindow, firstExposuresQuery, type ExposureSpecInput } from 'first-exposure'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../src/command/run-command.js'
import { sqlStatements } from '../../src/command/sql-statements.js'
import { codeBlocks } from '../checks/docs/code-blocks.js'

const page = 'docs/command.md'
const blocks = await codeBlocks(page)
const spec = blocks.find(({ language }) => language === 'json')?.code ?? ''

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-exposure-test-'))
  writeFileSync(join(folder, 'checkout.json'), spec)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

async function sql(line: string): Promise<string> {
  const words = line
    .replace(/ > .*$/, '')
    .split(' ')
    .map((word) => word.replace('checkout.json', join(folder, 'checkout.json')))
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(words.slice(2), {
    print: (text) => (stdout += text),
    say: (text) => (stderr += text),
    width: 80,
    colour: false,
  })
  expect([exitCode, stderr], line).toEqual([0, ''])
  return stdout
}

const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.split('\n'))
  .filter((line) => line.startsWith('npx first-exposure sql') && !line.endsWith(' -'))

test.each(commands)('%s', async (line) => {
  const printed = await sql(line)
  const place = blocks.findIndex(({ language, code }) => language === 'sh' && code === line)
  const shown = blocks[place + 1]
  if (shown?.language !== 'text') return
  // Three dots stand for what is left out.
  let from = 0
  for (const part of shown.code.split('…\n')) {
    const at = printed.indexOf(part.trimEnd(), from)
    expect(at, part).toBeGreaterThanOrEqual(from)
    from = at + part.trimEnd().length
  }
})

test('its spec is one of the library', async () => {
  const { spec: input, window } = JSON.parse(spec) as {
    readonly spec: ExposureSpecInput
    readonly window: { readonly start: string; readonly asOf: string }
  }
  expect(JSON.parse(await sql('npx first-exposure sql --spec checkout.json'))).toEqual(
    firstExposuresQuery(exposureSpec(input), exposureWindow(window.start, window.asOf)),
  )
})

test('it names every statement', () => {
  const text = readFileSync(page, 'utf8')
    .replace('`-days`', '`rollup-days`')
    .replace('`-drop`', '`rollup-drop`')
  for (const name of Object.keys(sqlStatements)) expect(text).toContain(`\`${name}\``)
})
