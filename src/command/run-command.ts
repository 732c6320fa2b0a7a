import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { isSource } from './is-source.js'
import { usageLine } from './report-error.js'
import { runReport, type ReportOutput } from './run-report.js'

/** What the command can do, by name: each reads its own options. */
const subcommands: Readonly<
  Record<
    string,
    {
      readonly summary: string
      readonly run: (argv: readonly string[], output: ReportOutput) => Promise<number>
    }
  >
> = {
  report: {
    summary: 'report an experiment: of a file, of a server, or a generated one',
    run: runReport,
  },
  sql: {
    summary: "print any of the library's statements, for other languages and for review",
    run: async (argv, output) => (await import('./run-sql.js')).runSql(argv, output),
  },
  'check-cluster': {
    summary: 'check on a cluster whether a table is sharded by identity',
    run: async (argv, output) => (await import('./check-cluster.js')).runCheckCluster(argv, output),
  },
}

/** Runs a command line (without the program's own name). Returns the exit code. */
export async function runCommand(argv: readonly string[], output: ReportOutput): Promise<number> {
  let exitCode = 0
  const program = new Command('first-exposure')
    .description('Who entered this experiment, when, and in which variant?')
    .usage('<command> [options]')
    .version(version(), '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => output.print(text),
      writeErr: (text) =>
        output.say(`first-exposure: ${usageLine(new Error(text.trim()))} (--help lists the commands)\n`),
    })
    .enablePositionalOptions()
    .exitOverride()
  for (const [name, { summary, run }] of Object.entries(subcommands)) {
    program
      .command(name)
      .summary(summary)
      .usage('[options]')
      .helpOption(false)
      .argument('[options...]')
      .passThroughOptions()
      .allowUnknownOption()
      .action(async () => {
        // Not what was parsed here: a -- is for the command.
        exitCode = await run(argv.slice(argv.indexOf(name) + 1), output)
      })
  }
  program.addHelpText('after', '\nEach command has its own help: npx first-exposure report --help')
  if (argv.length === 0) {
    program.outputHelp()
    return 0
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    throw error
  }
}

function version(): string {
  const manifest = new URL(isSource ? '../../package.json' : '../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
