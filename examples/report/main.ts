// The report: who entered an experiment, when, and in which variant. See `npm run report -- --help`.
import { runReport } from './run-report.js'

// A reader such as `head` closes the pipe when it has seen enough. This is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await runReport(process.argv.slice(2), {
  print: (text) => process.stdout.write(text),
  say: (text) => process.stderr.write(text),
  width: Math.min(120, process.stdout.columns ?? 80),
  colour: process.stdout.isTTY && process.stdout.hasColors(),
})
