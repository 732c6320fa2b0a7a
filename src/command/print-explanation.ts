import type { Crossovers, ExposureLedger, ExposuresBreakdown, MultiVariantPolicy } from '../index.js'
import type { ExposuresView } from '../view/index.js'
import { countOf } from '../panel/count-of.js'
import { crossedInWords, crossoversInWords, medianInWords } from '../panel/crossover-words.js'
import { crossoversAnswer } from '../panel/crossovers-answer.js'
import { exposuresVerdicts } from '../panel/exposures-verdicts.js'
import { ledgerLines, ledgerSentences, ledgerSum } from '../panel/ledger-words.js'
import { sliceLabel, slicesInWords, sliceVerdicts } from '../panel/slice-words.js'
import { slicesAnswer, type SliceAnswer } from '../panel/slices-answer.js'
import { excludedInWords, healthInWords, splitInWords } from '../panel/split-words.js'
import { cut } from '../panel/variant-label.js'
import type { Explanation } from './explanation.js'
import { filled } from './filled.js'
import { plainTable } from './plain-table.js'
import type { Terminal } from './print-report.js'
import { sparkline } from './sparkline.js'
import { count, localTime, probability, share, variantLabel, words } from './words.js'

/** What the explanation is about. */
export interface Explained {
  /** The view of the summary, with every bucket of its window. */
  readonly view: ExposuresView
  readonly multiVariant: MultiVariantPolicy
  readonly expectedShares: Readonly<Record<string, number>> | undefined
  /** A sentence that says which events the ledger scanned. */
  readonly scanned: string
}

/** The explanation as sections of text for people. */
export function explanationText(
  { ledger, crossovers, breakdown }: Explanation,
  explained: Explained,
  terminal: Terminal,
): readonly (readonly string[])[] {
  return [
    ...(ledger === undefined ? [] : ledgerSections(ledger, explained, terminal)),
    ...(crossovers === undefined ? [] : crossoverSections(crossovers, explained, terminal)),
    ...(ledger === undefined ? [] : [splitSection(explained.view, explained.expectedShares, terminal)]),
    ...(breakdown === undefined ? [] : breakdownSections(breakdown, explained, terminal)),
  ]
}

/** The verdict on the split, in words. */
export function splitSection(
  view: ExposuresView,
  expectedShares: Readonly<Record<string, number>> | undefined,
  { width, colour }: Terminal,
): readonly string[] {
  const verdicts = exposuresVerdicts(view, expectedShares)
  const { headline, sentences } = splitInWords(verdicts, words)
  const text = [
    ...(verdicts.assumed ? ['No split was given (--expected), so this assumes equal shares.'] : []),
    ...sentences,
    ...healthInWords(verdicts.exposureHealth, words),
    ...excludedInWords(verdicts.excludedRatio, words),
  ].join(' ')
  return [strong(`${headline}${inBrackets(verdicts.sampleRatio.pValue)}`, colour), ...filled(text, width)]
}

function ledgerSections(
  ledger: ExposureLedger,
  { view, scanned }: Explained,
  { width, colour }: Terminal,
): readonly (readonly string[])[] {
  const lines = ledgerLines(ledger, words)
  const variants = mostOf(
    [...new Set([...view.variants.map(({ key }) => key), ...Object.keys(ledger.exposuresByVariant)])],
    ledger.exposuresByVariant,
    width - 36 - Math.max(6, count(ledger.scanned).length),
    (key) => Math.max(count(countOf(ledger.exposuresByVariant, key)).length, shortLabel(key).length),
  )
  const rows = lines.map(({ kind, label, events, share, byVariant }) => [
    kind === 'total' ? label : `  − ${label.replace(/^./, (letter) => letter.toLowerCase())}`,
    count(events),
    share,
    ...variants.map((key) => (byVariant === null ? '' : count(countOf(byVariant, key)))),
  ])
  const table = plainTable([['', 'Events', 'Share', ...variants.map(shortLabel)], ...rows], { gap: 2 })
  return [
    [
      strong('Where the events went', colour),
      '',
      ...table.map((line, row) =>
        row === 0 ? faint(line, colour) : lines[row - 1]?.kind === 'total' ? strong(line, colour) : line,
      ),
      '',
      ...filled(ledgerSum(ledger, words), width),
      ...[...ledgerSentences(ledger, words), scanned].flatMap((sentence) => filled(sentence, width)),
    ],
  ]
}

function crossoverSections(
  crossovers: Crossovers,
  { view, multiVariant, expectedShares }: Explained,
  { width, colour }: Terminal,
): readonly (readonly string[])[] {
  const { identities, pairs, timeseries } = crossovers
  const answer = crossoversAnswer(crossovers, view, multiVariant, expectedShares)
  const { headline, sentences } = crossoversInWords(answer, multiVariant, words)
  const { variants, rows, all, left } = answer.matrix
  const seen = view.total + view.excludedIdentities
  const hourly = timeseries.granularity === 'hour'
  const labelOf = (bucket: string): string =>
    localTime(Date.parse(bucket), timeseries.timeZone).slice(0, hourly ? 16 : 10)
  const starts = view.points.map(({ start }) => start)
  const drawn = (points: Crossovers['timeseries']['points']): string => {
    const of = new Map(points.map((point) => [point.bucket, point.identities]))
    return sparkline(
      starts.map((start) => of.get(start) ?? 0),
      Math.max(8, width - 32 - 2 * Math.max(...variants.map((key) => variantLabel(key, 14).length))),
    )
  }
  const title = strong('Who crossed over', colour)
  const crossed = filled(crossedInWords(answer, seen, labelOf, words), width)
  if (identities === 0) return [[title, ...crossed]]
  const fits = mostOf(
    variants,
    Object.fromEntries(variants.map((key, column) => [key, all.cells[column] ?? 0])),
    width - 16 - Math.max(...variants.map((key) => shortLabel(key).length), 13) - count(identities).length,
    (key) => 5 + shortLabel(key).length,
  )
  const cellsOf = (cells: readonly (number | null)[]): readonly string[] =>
    fits.map((key) => {
      const cell = cells[variants.indexOf(key)]
      return cell === null || cell === undefined ? '–' : count(cell)
    })
  const matrix = plainTable(
    [
      ['First seen in', ...fits.map((key) => `then ${shortLabel(key)}`), 'All', 'Share'],
      ...rows.map(({ firstVariant, cells, identities, began }) => [
        shortLabel(firstVariant),
        ...cellsOf(cells),
        count(identities),
        share(identities, began),
      ]),
      ['All', ...cellsOf(all.cells), count(all.identities), share(all.identities, all.began)],
    ],
    { gap: 2 },
  )
  const most = pairs.slice(0, 12)
  const pairTable = plainTable(
    [
      ['From', 'To', 'Identities', 'Median between', 'When'],
      ...most.map(({ firstVariant, nextVariant, identities, medianMs, points }) => [
        variantLabel(firstVariant, 14),
        variantLabel(nextVariant, 14),
        count(identities),
        medianInWords(medianMs, words),
        drawn(points),
      ]),
    ],
    { leftColumns: 2, gap: 2 },
  )
  const notes = [
    ...(fits.length < variants.length + left
      ? [
          `${count(variants.length + left - fits.length)} more variants have no column; they are included in the sums.`,
        ]
      : []),
    ...(most.length < pairs.length
      ? [`These are the ${most.length} largest of ${count(pairs.length)} pairs.`]
      : []),
    `When: the time of the exposure to the next variant, from ${labelOf(starts[0] ?? '')} to ${labelOf(starts.at(-1) ?? '')}. Share: of all identities first seen in the variant.`,
  ]
  const table = (lines: readonly string[]): string[] =>
    lines.map((line, row) => (row === 0 ? faint(line, colour) : line))
  return [
    [
      title,
      ...crossed,
      '',
      ...table(matrix),
      '',
      ...table(pairTable),
      ...notes.flatMap((note) => filled(note, width)).map((line) => faint(line, colour)),
    ],
    [
      strong(`${headline}${inBrackets(answer.crossoverBias.pValue)}`, colour),
      ...filled(sentences.join(' '), width),
    ],
  ]
}

function breakdownSections(
  breakdown: ExposuresBreakdown & { readonly column: string },
  { view, expectedShares }: Explained,
  { width, colour }: Terminal,
): readonly (readonly string[])[] {
  const answer = slicesAnswer(breakdown, view, expectedShares)
  const { headline, sentences } = slicesInWords(answer, words)
  const totals = Object.fromEntries(view.variants.map(({ key, total }) => [key, total]))
  const labels = [variantLabel(breakdown.column, 20), ...answer.slices.map(shortSlice)]
  const variants = mostOf(
    Object.keys(totals),
    totals,
    width -
      34 -
      Math.max(...labels.map(({ length }) => length)) -
      Math.max(...answer.slices.map((slice) => pText(slice).length), 1),
    (key) => Math.max(7, shortLabel(key).length),
  )
  const table = plainTable(
    [
      [
        variantLabel(breakdown.column, 20),
        'Identities',
        'Excluded',
        ...variants.map(shortLabel),
        'p',
        'Split',
      ],
      ...answer.slices.map((slice) => [
        shortSlice(slice),
        count(slice.counted),
        share(slice.excluded, slice.counted + slice.excluded),
        ...variants.map((key) => share(countOf(slice.byVariant, key), slice.counted)),
        pText(slice),
        words.say(sliceVerdicts[slice.status].label),
      ]),
    ],
    { gap: 2 },
  )
  const text = [...(expectedShares === undefined ? [words.say('assumesEqual')] : []), ...sentences].join(' ')
  return [
    [
      strong(`Slices by ${variantLabel(breakdown.column)}: ${headline.replace(/^T/, 't')}`, colour),
      '',
      ...table.map((line, row) => (row === 0 ? faint(line, colour) : line)),
      '',
      ...filled(text, width),
    ],
  ]
}

/** As many keys as fit into `room`, with two blanks before each: the largest ones, in the given order. */
function mostOf(
  keys: readonly string[],
  sizes: Readonly<Record<string, number>>,
  room: number,
  widthOf: (key: string) => number,
): readonly string[] {
  let left = room
  const largest = new Set(
    keys
      .toSorted((a, b) => countOf(sizes, b) - countOf(sizes, a))
      .filter((key) => (left -= 2 + widthOf(key)) >= 0),
  )
  return keys.filter((key) => largest.has(key))
}

function pText({ adjustedPValue }: { readonly adjustedPValue: number | null }): string {
  return adjustedPValue === null ? '–' : probability(adjustedPValue)
}

function shortSlice(slice: SliceAnswer): string {
  return cut(sliceLabel(slice, words), 20)
}

function shortLabel(key: string): string {
  return variantLabel(key, 12)
}

function inBrackets(pValue: number | null): string {
  return pValue === null ? '' : ` (p ${probability(pValue)})`
}

function strong(text: string, colour: boolean): string {
  return colour ? `\u001b[1m${text}\u001b[22m` : text
}

function faint(text: string, colour: boolean): string {
  return colour ? `\u001b[2m${text}\u001b[22m` : text
}
