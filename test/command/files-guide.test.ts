import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runReport } from '../../src/command/run-report.js'
import { codeBlocks } from '../checks/docs/code-blocks.js'
import { shellCommands } from '../checks/docs/shell-commands.js'
import { engineAvailable } from '../engine/availability.js'

const guide = 'docs/files.md'
const commands = shellCommands(await codeBlocks(guide))
const page = readFileSync(guide, 'utf8')
const home = process.cwd()

describe.skipIf(!engineAvailable)('the guide to files (needs the embedded ClickHouse)', () => {
  beforeAll(() => process.chdir(resolve(import.meta.dirname, '../fixtures/files')))
  afterAll(() => process.chdir(home))

  test.each(commands)('%s', async (command) => {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)]
      .map(([, text, word]) => text ?? word ?? '')
      .slice(3)
    let [stdout, stderr] = ['', '']
    const exitCode = await runReport(words, {
      print: (text) => (stdout += text),
      say: (text) => (stderr += text),
      width: 80,
      colour: false,
    })
    if (words.length === 1) {
      expect(exitCode).toBe(1)
      // The guide shows it as it is.
      expect(page).toContain(`\`\`\`\n${stderr}\`\`\``)
    } else {
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(stdout).toContain('5 identities entered, in 2 variants; 1 (16.67%) excluded.')
    }
  })
})
