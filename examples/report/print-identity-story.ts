import type { IdentityTimeline, IdentityVerdict } from 'first-exposure'
import { count, localTime, variantLabel } from '../host/panel/format.js'
import { filled } from './filled.js'
import { plainTable } from './plain-table.js'
import type { Terminal } from './print-report.js'

type Because = Extract<IdentityVerdict, { readonly type: 'never-counted' }>['because']

const reasons: Readonly<Record<Because, string>> = {
  'no-events': 'there is no event of it',
  'no-timestamp': 'its events have no timestamp',
  'before-window': 'its events lie before the window',
  'after-window': 'its events lie after the window',
  filtered: 'the filters leave its events out',
  'no-variant': 'its events have no variant',
  'no-identity': 'its events have no identity',
}

/** What the summary makes of an identity, in a sentence. */
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

/** One identity's story as a section of text for people: the verdict, then its events in order. */
export function identityStoryText(
  identity: string,
  { verdict, scanned, events, truncated }: IdentityTimeline,
  timeZone: string,
  { width, colour }: Terminal,
): readonly string[] {
  const title = `The story of ${variantLabel(identity, 60)}`
  const isUtc = timeZone === 'UTC'
  const instant = (at: number | null): readonly string[] =>
    at === null
      ? ['(none)', ...(isUtc ? [] : [''])]
      : [new Date(at).toISOString(), ...(isUtc ? [] : [localTime(at, timeZone)])]
  return [
    colour ? `\u001b[1m${title}\u001b[22m` : title,
    ...filled(verdictSentence(verdict), width),
    ...(events.length === 0
      ? []
      : [
          '',
          ...plainTable(
            [
              ['When (UTC)', ...(isUtc ? [] : [`In ${timeZone}`]), 'Variant', 'What it is'],
              ...events.map(({ at, variant, disposition }) => [
                ...instant(at),
                variant === null ? '(none)' : variantLabel(variant, 24),
                disposition === 'exposure' ? 'exposure' : disposition.replaceAll('-', ' '),
              ]),
            ],
            { leftColumns: 4 },
          ),
        ]),
    ...(truncated
      ? [
          '',
          ...filled(
            `Truncated: the first ${count(events.length)} of ${count(scanned)} events. The verdict is by all of them.`,
            width,
          ),
        ]
      : []),
  ]
}
