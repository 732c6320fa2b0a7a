import Table from 'cli-table3'
import type { ExposureSpec, ExposuresSummary, ExposureWindow } from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import { cumulativeChart } from './cumulative-chart.js'
import { count, duration, localTime, share, variantLabel } from '../host/panel/format.js'

/** What there is to print on: how wide, and whether colours show. */
export interface Terminal {
  readonly width: number
  readonly colour: boolean
}

/** How the experiment was configured, as far as the user said. */
export interface Configured {
  readonly expectedShares: Readonly<Record<string, number>> | undefined
  readonly control: string | undefined
}

/** The report of a summary as text for people. */
export async function reportText(
  summary: ExposuresSummary,
  window: ExposureWindow,
  spec: ExposureSpec,
  origin: string,
  { expectedShares, control }: Configured,
  { width, colour }: Terminal,
): Promise<string> {
  const view = exposuresView(summary, {
    window,
    ...(expectedShares === undefined ? {} : { variants: Object.keys(expectedShares) }),
    ...(control === undefined ? {} : { control }),
  })
  const { granularity, timeZone, variants, total: counted, excludedIdentities: excluded } = view
  const seen = counted + excluded
  const strong = (text: string): string => (colour ? `\u001b[1m${text}\u001b[22m` : text)
  const faint = (text: string): string => (colour ? `\u001b[2m${text}\u001b[22m` : text)

  const table = new Table({
    chars: noBorders,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 3 },
    colAligns: ['left', 'right', 'right'],
  })
  const labelLength = Math.max(8, Math.min(40, width - 30))
  table.push(
    ['Variant', 'Identities', 'Share'].map((head) => faint(head)),
    ...variants.map(({ key, total }) => [
      variantLabel(key, labelLength),
      count(total),
      share(total, counted),
    ]),
    ['All variants', count(counted), share(counted, counted)].map((cell) => strong(cell)),
    ['Excluded', count(excluded), share(excluded, seen)],
  )

  const excludedBecause =
    spec.multiVariant === 'quarantine'
      ? `Excluded: exposed to more than one variant; the share is of all ${count(seen)} identities seen.`
      : 'Nobody is excluded: an identity exposed to several variants counts in its first.'
  const rows = [
    ['Source', origin],
    ['Window', `${localTime(window.startMs, timeZone)} to ${localTime(window.asOfMs, timeZone)}`],
    ['', `${duration(window.asOfMs - window.startMs)} in ${timeZone}, the end not included`],
    ['Granularity', granularity],
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
    [
      ...table
        .toString()
        .split('\n')
        .map((line) => line.trimEnd()),
      '',
      ...filled(excludedBecause, width).map(faint),
    ],
  ]
  if (expectedShares !== undefined) {
    // The special functions behind it take as long to load as all the rest.
    const { excludedInWords, probability, splitVerdict } = await import('../host/panel/split-verdict.js')
    const { headline, sentences, once, excluded } = splitVerdict(view, expectedShares)
    const pValue = once.pValue === null ? '' : ` (p ${probability(once.pValue)})`
    const words = [...sentences, excludedInWords(excluded)].join(' ')
    sections.push([strong(`${headline}${pValue}`), ...filled(words, width)])
  }
  const chart = cumulativeChart(view, window, { width, colour, timeZone })
  if (chart.length > 0) sections.push([strong('Identities entered, cumulative'), '', ...chart])
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function headline(counted: number, variants: number, excluded: number, seen: number): string {
  const entered =
    `${count(counted)} ${counted === 1 ? 'identity' : 'identities'} entered, in ` +
    `${count(variants)} ${variants === 1 ? 'variant' : 'variants'}`
  return excluded === 0
    ? `${entered}.`
    : `${entered}; ${count(excluded)} (${share(excluded, seen)}) excluded.`
}

const noBorders = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
)

/** Words in lines of at most `width`; a longer word has a line of its own. */
function filled(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}
