// The command: `npx first-exposure`, or `npm run report` in a clone. See `npx first-exposure --help`.
import { createInterface } from 'node:readline/promises'
import { runCommand } from './run-command.js'

/** Asks on the terminal. The report itself may go to a file meanwhile. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}

// A reader such as `head` closes the pipe when it has seen enough. This is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await runCommand(process.argv.slice(2), {
  print: (text) => process.stdout.write(text),
  say: (text) => process.stderr.write(text),
  // A terminal that does not know its size says 0.
  width: Math.min(120, process.stdout.columns || 80),
  colour: process.stdout.isTTY && process.stdout.hasColors(),
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
})
