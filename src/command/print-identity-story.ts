import type { IdentityTimeline, IdentityVerdict } from '../index.js'
import { count, localTime, variantLabel } from './words.js'
import { filled } from './filled.js'
import { plainTable } from './plain-table.js'
import type { Terminal } from './print-report.js'

type Because = Extract<IdentityVerdict, { readonly type: 'never-counted' }>['because']

const reasons: Readonly<Record<Because, string>> = {
  'no-events': 'it has no events',
  'no-timestamp': 'its events have no timestamp',
  'before-window': 'its events are before the window',
  'after-window': 'its events are after the window',
  filtered: 'the filters exclude its events',
  'no-variant': 'its events have no variant',
  'no-identity': 'its events have no identity',
}

/** How the summary counts an identity, in a sentence. */
function verdictSentence(verdict: IdentityVerdict): string {
  const at = (ms: number): string => new Date(ms).toISOString()
  switch (verdict.type) {
    case 'counted':
      return `Counted in ${variantLabel(verdict.variant)} at ${at(verdict.at)}.`
    case 'quarantined':
      return (
        `Quarantined: first ${variantLabel(verdict.variant)} at ${at(verdict.at)}, ` +
        `then ${variantLabel(verdict.by)} at ${at(verdict.byAt)}.`
      )
    case 'never-counted':
      break
  }
  return `Never counted: ${reasons[verdict.because]}.`
}

/** One identity's events as a section of text for people: first the verdict, then the events in order. */
export function identityStoryText(
  identity: string,
  { verdict, scanned, events, truncated, resolved }: IdentityTimeline,
  timeZone: string,
  { width, colour }: Terminal,
): readonly string[] {
  const title = `Identity ${variantLabel(identity, 60)}`
  const isUtc = timeZone === 'UTC'
  const instant = (at: number | null): readonly string[] =>
    at === null
      ? ['(none)', ...(isUtc ? [] : [''])]
      : [new Date(at).toISOString(), ...(isUtc ? [] : [localTime(at, timeZone)])]
  // What is left of the line for the variant, and for the identifier if there is one. Labels get shorter before rows wrap.
  const fixed = 24 + (isUtc ? 0 : 3 + 23) + 3 + longestOf(events.map(({ disposition }) => disposition)) + 3
  const labels = resolved === null ? 1 : 2
  const room = Math.max(6, Math.min(24, Math.floor((width - fixed) / labels) - (labels - 1) * 3))
  return [
    colour ? `\u001b[1m${title}\u001b[22m` : title,
    ...filled(verdictSentence(verdict), width),
    ...(resolved === null
      ? []
      : filled(
          `Resolves to ${variantLabel(resolved.identity, 60)}; identifiers with events: ` +
            `${resolved.identifiers.map((each) => variantLabel(each, 60)).join(', ')}.`,
          width,
        )),
    ...(events.length === 0
      ? []
      : [
          '',
          ...plainTable(
            [
              [
                'When (UTC)',
                ...(isUtc ? [] : [`In ${timeZone}`]),
                'Variant',
                'What it counts as',
                ...(resolved === null ? [] : ['Identifier']),
              ],
              ...events.map(({ at, variant, disposition, identifier }) => [
                ...instant(at),
                variant === null ? '(none)' : variantLabel(variant, room),
                disposition === 'exposure' ? 'exposure' : disposition.replaceAll('-', ' '),
                ...(identifier === undefined ? [] : [variantLabel(identifier, room)]),
              ]),
            ],
            { leftColumns: 5 },
          ),
        ]),
    ...(truncated
      ? [
          '',
          ...filled(
            `Truncated: only the first ${count(events.length)} of ${count(scanned)} events are shown. The verdict considers all of them.`,
            width,
          ),
        ]
      : []),
  ]
}

function longestOf(texts: readonly string[]): number {
  return Math.max('What it counts as'.length, ...texts.map(({ length }) => length))
}
