import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Command, CommanderError } from 'commander'
import { isExposureError } from '../index.js'
import { inOptions } from './in-options.js'
import { SpecError } from './json-spec.js'
import { oneLine, ReportError, usageLine } from './report-error.js'
import type { ReportOutput } from './run-report.js'
import { sqlArguments, type SqlArguments } from './sql-arguments.js'
import { printedStatements } from './sql-forms.js'
import { madeStatements } from './sql-statements.js'

/** Runs `sql`: prints a statement, and asks no server. Returns the exit code. */
export async function runSql(argv: readonly string[], output: ReportOutput): Promise<0 | 1> {
  const command = new Command('npx first-exposure sql')
    .configureHelp({ helpWidth: Math.min(output.width, 100) })
    .configureOutput({ writeOut: (help) => output.print(help), outputError: () => undefined })
    .exitOverride()
  const refuse = (code: string, message: string): 1 => {
    output.say(`sql: ${code}: ${oneLine(message)}\n`)
    return 1
  }
  let request: SqlArguments | undefined
  try {
    request = await sqlArguments(argv, command, readSpec)
    const { statement, input, form, except } = request
    output.print(printedStatements(madeStatements(statement, input), form, except))
    return 0
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      return refuse('invalid-options', `${usageLine(error)} (--help lists the options)`)
    }
    if (error instanceof ReportError)
      return refuse(
        error instanceof SpecError || request?.isFromOptions === false ? 'invalid-spec' : 'invalid-options',
        error.message,
      )
    if (!isExposureError(error)) throw error
    return refuse(error.code, request?.isFromOptions === false ? inJson(error.message) : inOptions(error))
  }
}

async function readSpec(path: string): Promise<string> {
  if (path === '-') return text(process.stdin)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ReportError(
      code === 'ENOENT' ? `there is no file ${path} (--spec)` : `${path} cannot be read (${code})`,
      { cause: error },
    )
  }
}

/** An expression is passed in JSON as an object. */
function inJson(message: string): string {
  return message.replaceAll(
    /trustedSql`…`(?:, with the text in your code)?/g,
    '{"sql": "…"} with --trusted-sql',
  )
}
