import type { ExposureSpec, ExposuresSummary, ExposureWindow } from '../index.js'
import { partOfView } from '../panel/part-of-view.js'
import { exposuresView, type ExposuresView } from '../view/index.js'
import { cumulativeChart } from './cumulative-chart.js'
import type { Explanation } from './explanation.js'
import { filled } from './filled.js'
import { labelsOf } from './fitted-columns.js'
import { plainTable } from './plain-table.js'
import type { Strays } from './strays.js'
import { count, duration, localTime, share, variantLabel, words } from './words.js'

/** What to print on: its width, and whether it shows colours. */
export interface Terminal {
  readonly width: number
  readonly colour: boolean
}

/** How the experiment was configured, if the user said so. */
export interface Configured {
  readonly expectedShares: Readonly<Record<string, number>> | undefined
  readonly control: string | undefined
}

/** What the report says in addition to the summary. */
export interface Context {
  readonly spec: ExposureSpec
  /** Where the exposures came from, in a few words. */
  readonly origin: string
  /** What they should know before the answer: how the data were read, and what was left out. */
  readonly notes: readonly string[]
  readonly configured: Configured
  readonly explanation: Explanation
  /** The exposures that are far from all others, if there are some. */
  readonly strays?: Strays | undefined
  /** A sentence that says which events the ledger scanned. */
  readonly scanned: string
}

/** The report of a summary as text for people. */
export async function reportText(
  summary: ExposuresSummary,
  window: ExposureWindow,
  { spec, origin, notes, configured: { expectedShares, control }, explanation, strays, scanned }: Context,
  terminal: Terminal,
): Promise<string> {
  const { width, colour } = terminal
  const isExplained = Object.keys(explanation).length > 0
  const view = exposuresView(summary, {
    window,
    // An explanation also shows when things happened, so it needs the empty buckets.
    fillGaps: isExplained,
    ...(expectedShares === undefined ? {} : { variants: Object.keys(expectedShares) }),
    ...(control === undefined ? {} : { control }),
  })
  const { granularity, timeZone, variants, total: counted, excludedIdentities: excluded } = view
  const seen = counted + excluded
  const strong = (text: string): string => (colour ? `\u001b[1m${text}\u001b[22m` : text)
  const faint = (text: string): string => (colour ? `\u001b[2m${text}\u001b[22m` : text)

  const labelOf = labelsOf(
    variants.map(({ key }) => key),
    Math.max(8, Math.min(40, width - 30)),
  )
  // As shown, they sum to 100 %.
  const shares = words.shares(
    variants.map(({ total }) => total),
    variants.map((_, place) => place),
  )
  const table = plainTable([
    ['Variant', 'Identities', 'Share'].map((head) => faint(head)),
    ...variants.map(({ key, total }, place) => [labelOf(key), count(total), shares[place] ?? '']),
    ['All variants', count(counted), shares.at(-1) ?? ''].map((cell) => strong(cell)),
    ['Excluded', count(excluded), share(excluded, seen)],
  ])

  const excludedBecause =
    spec.multiVariant === 'quarantine'
      ? `Excluded identities were exposed to more than one variant. Their share is of ${seen === 1 ? 'the 1 identity' : `all ${count(seen)} identities`} seen.`
      : 'Nobody is excluded: an identity exposed to several variants counts in the first one.'
  const rows = [
    ['Source', origin],
    ['Window', `${localTime(window.startMs, timeZone)} to ${localTime(window.asOfMs, timeZone)}`],
    ['', `${lengthOf(window, granularity)} in ${timeZone}, end not included`],
    ['Granularity', granularity],
    ...notes.map((note, index) => [index === 0 ? 'Notes' : '', note] as const),
  ] as const
  const sections = [
    [
      strong(variantLabel(spec.featureName, width)),
      ...rows.flatMap(([name, text]) =>
        filled(text, width - 13).map(
          (line, index) => `${faint((index === 0 ? name : '').padEnd(13))}${line}`,
        ),
      ),
    ],
    filled(headline(counted, variants.length, excluded, seen), width).map(strong),
    [...table, '', ...filled(excludedBecause, width).map(faint)],
  ]
  // The functions behind the verdicts take as long to load as everything else.
  const verdicts =
    isExplained || expectedShares !== undefined ? await import('./print-explanation.js') : undefined
  const axis = strays?.axis ?? window
  const explained = {
    view,
    overTime: partOfView(view, axis),
    multiVariant: spec.multiVariant,
    expectedShares,
    scanned,
  }
  if (expectedShares !== undefined && explanation.ledger === undefined) {
    sections.push([...(verdicts?.splitSection(explained, terminal) ?? [])])
  }
  const chart = cumulativeChart(view, axis, { width, colour, timeZone })
  const note = strays === undefined ? [] : ['', ...filled(strays.sentence, width)]
  if (chart.length > 0) sections.push([strong('Identities entered (cumulative)'), '', ...chart, ...note])
  sections.push(
    ...(verdicts?.explanationText(explanation, explained, terminal) ?? []).map((lines) => [...lines]),
  )
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** A window by day may be one day long, and a local day may have 23 or 25 hours. */
function lengthOf({ startMs, asOfMs }: ExposureWindow, granularity: ExposuresView['granularity']): string {
  const ms = asOfMs - startMs
  return granularity === 'day' && Math.round(ms / 86_400_000) === 1 ? '1 day' : duration(ms)
}

function headline(counted: number, variants: number, excluded: number, seen: number): string {
  const entered =
    `${count(counted)} ${counted === 1 ? 'identity' : 'identities'} entered, in ` +
    `${count(variants)} ${variants === 1 ? 'variant' : 'variants'}`
  return excluded === 0
    ? `${entered}.`
    : `${entered}; ${count(excluded)} (${share(excluded, seen)}) excluded.`
}
