import { quotedForShell, type GivenColumns } from './arguments.js'
import type { Proposal } from './file-columns.js'
import { oneLine } from './report-error.js'

/** What to type, and why, for a user who did not say which column holds what. */
export interface ProposedCommand {
  /** The arguments, with those that were added; `undefined` if no column fits a role that must be there. */
  readonly argv: readonly string[] | undefined
  readonly command: string
  /** Which column was found for what, as lines. */
  readonly found: readonly string[]
  /** The command for a column that may hold timestamps in a form that is not known. */
  readonly withFormat: string | undefined
}

/** Adds to the user's arguments what the columns of the file propose. */
export function proposedCommand(
  argv: readonly string[],
  given: GivenColumns,
  { columns, sample }: Proposal,
): ProposedCommand {
  const { identity, variant, timestamp, unreadTimestamp, feature } = columns
  const isFeatureNew = given.feature === undefined && feature !== undefined
  const withTime = (time: readonly string[]): readonly (string | undefined)[] => [
    ...argv,
    ...(given.identity === undefined ? ['--identity', identity] : []),
    ...(given.variant === undefined ? ['--variant', variant] : []),
    ...(given.timestamp === undefined ? time : []),
    ...(isFeatureNew ? ['--feature-column', feature.column, '--feature', feature.experiments[0]] : []),
  ]
  const all = withTime(timestamp === undefined ? ['--no-timestamp'] : ['--timestamp', timestamp])
  const isComplete = all.every((word): word is string => word !== undefined)
  const examples = (column: string): string => {
    const values = new Set((sample.get(column) ?? []).filter((value) => value !== null && value !== ''))
    const shown = [...values].slice(0, 3).map((value) => oneLine(value ?? '', 24))
    return [...shown, ...(values.size > shown.length ? ['…'] : [])].join(', ')
  }
  const line = (role: string, column: string | undefined, absent: string): string =>
    `  ${role.padEnd(11)}${column === undefined ? absent : `${oneLine(column, 40)}: ${examples(column)}`}`
  return {
    argv: isComplete ? all : undefined,
    command: commandLine(all),
    withFormat:
      unreadTimestamp === undefined
        ? undefined
        : `${commandLine(withTime(['--timestamp', unreadTimestamp]))} --timestamp-format <format>`,
    found: [
      line('identity', identity, 'no column looks like one'),
      line('variant', variant, 'no column looks like one'),
      unreadTimestamp === undefined
        ? line('timestamp', timestamp, 'none: totals without a chart')
        : `${line('timestamp', unreadTimestamp, '')} (in no form that is known)`,
      ...(isFeatureNew
        ? [
            `  ${'experiment'.padEnd(11)}${oneLine(feature.column, 40)}: ${feature.experiments
              .slice(0, 5)
              .map((each) => oneLine(each, 24))
              .join(', ')}`,
          ]
        : []),
    ],
  }
}

/** A command line to copy. */
export function commandLine(words: readonly (string | undefined)[]): string {
  return `npx first-exposure report ${words.map((word) => (word === undefined ? '<column>' : quotedForShell(word))).join(' ')}`
}
