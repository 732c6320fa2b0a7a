import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { reportArguments } from '../../../src/command/arguments.js'
import { runCommand } from '../../../src/command/run-command.js'
import type { CodeBlock } from './code-blocks.js'

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: object }
const ofNpm = ['ci', 'i', 'install', 'pkg', 'publish', ...Object.keys(scripts)]

/** The commands of blocks of shell, each on one line. */
export function shellCommands(blocks: readonly CodeBlock[]): readonly string[] {
  return blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, '').split(/\n| && /))
}

/** A command is npm's, a script of the package, or the package's own with options that it knows. */
export async function checkShellCommand(command: string): Promise<void> {
  const [, name, line] = /^npx first-exposure (\S+) ?(.*)$/.exec(command) ?? []
  if (name === undefined || line === undefined) {
    const [, script] = /^npm (?:run (?:-s )?)?(\S+)/.exec(command) ?? []
    expect(ofNpm, command).toContain(script)
    return
  }
  const words = [...line.replace(/ [|>] .*$/, '').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, text, word]) => text ?? word ?? '',
  )
  if (words.includes('--help')) return
  if (name === 'report') {
    expect(() => reportArguments(words), command).not.toThrow()
    return
  }
  let said = ''
  // What a server or a file has to answer is not asked here.
  const asksNobody = name === 'sql' && !words.includes('--spec')
  const exitCode = await runCommand([name, ...words, ...(asksNobody ? [] : ['--help'])], {
    print: () => undefined,
    say: (text) => (said += text),
    width: 80,
    colour: false,
  })
  expect([exitCode, said], command).toEqual([0, ''])
}
