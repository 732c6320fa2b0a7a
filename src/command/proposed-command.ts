import { quotedForShell, type GivenColumns } from './arguments.js'
import { dateAndTime, isTimeOfDay } from './date-and-time.js'
import type { Proposal } from './file-columns.js'
import { oneLine } from './report-error.js'
import { ambiguousZone } from './timestamp-form.js'

/** What to type, and why, for a user who did not say which column holds what. */
export interface ProposedCommand {
  /** The arguments, with those that were added; `undefined` if no column fits a role that must be there. */
  readonly argv: readonly string[] | undefined
  readonly command: string
  /** Which column was found for what, as lines. */
  readonly found: readonly string[]
  /** The command for a column that may hold timestamps in a form that is not known, and what to say about it. */
  readonly withFormat: { readonly says: string; readonly command: string } | undefined
}

/** Adds to the user's arguments what the columns of the file propose. */
export function proposedCommand(
  typed: readonly string[],
  given: GivenColumns,
  { columns, sample }: Proposal,
): ProposedCommand {
  const { identity, variant, timestamp, unreadTimestamp, feature } = columns
  // Behind -- all words are files, and no option can be added there.
  const end = typed.indexOf('--')
  const files = end === -1 ? [] : typed.slice(end + 1).flatMap((path) => ['--file', path])
  const argv = end === -1 ? typed : [...typed.slice(0, end), ...files]
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
    const [dates, times] = (dateAndTime(column, sample) ?? [column]).map((each) => sample.get(each) ?? [])
    const all = times === undefined ? dates : dates?.map((date, row) => `${date ?? ''} ${times[row] ?? ''}`)
    const values = new Set(all?.filter((value) => value !== null && value.trim() !== ''))
    const shown = [...values].slice(0, 3).map((value) => oneLine(value ?? '', 24))
    return [...shown, ...(values.size > shown.length ? ['…'] : [])].join(', ')
  }
  const unread = (unreadTimestamp === undefined ? [] : (sample.get(unreadTimestamp) ?? [])).filter(
    (value): value is string => value !== null && value.trim() !== '',
  )
  const areTimesOfDay = unread.length > 0 && unread.every(isTimeOfDay)
  const zone = unread.map(ambiguousZone).find((each) => each !== undefined)
  const line = (role: string, column: string | undefined, absent: string): string =>
    `  ${role.padEnd(11)}${column === undefined ? absent : `${oneLine(column, 40)}: ${examples(column)}`}`
  return {
    argv: isComplete ? all : undefined,
    command: commandLine(all),
    withFormat:
      unreadTimestamp === undefined || areTimesOfDay
        ? undefined
        : zone === undefined
          ? {
              says: `If these are timestamps, say how they are written, such as '%d.%m.%Y %H:%M', and run:`,
              command: `${commandLine(withTime(['--timestamp', unreadTimestamp]))} --timestamp-format <format>`,
            }
          : {
              says: `${zone.name} is the name of several zones. Say which, such as Europe/London, and run:`,
              command: `${commandLine(withTime(['--timestamp', unreadTimestamp]))} --timestamp-format '${zone.pattern}' --time-zone <zone>`,
            },
    found: [
      line('identity', identity, 'no column looks like one'),
      line('variant', variant, 'no column looks like one'),
      unreadTimestamp === undefined
        ? line('timestamp', timestamp, 'none: totals without a chart')
        : `${line('timestamp', unreadTimestamp, '')} (${areTimesOfDay ? 'times of day without a date' : 'in no form that is known'})`,
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
