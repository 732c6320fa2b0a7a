// The command: `npx first-exposure`, or `npm run report` in a clone. See `npx first-exposure --help`.
import { runCommand } from './run-command.js'

// A reader such as `head` closes the pipe when it has seen enough. This is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await runCommand(process.argv.slice(2), {
  print: (text) => process.stdout.write(text),
  say: (text) => process.stderr.write(text),
  width: Math.min(120, process.stdout.columns ?? 80),
  colour: process.stdout.isTTY && process.stdout.hasColors(),
})
