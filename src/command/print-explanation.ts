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
import { fittedColumns, labelsOf } from './fitted-columns.js'
import { plainTable } from './plain-table.js'
import type { Terminal } from './print-report.js'
import { sparkline } from './sparkline.js'
import { count, localTime, probability, share, variantLabel, words } from './words.js'

/** What the explanation is about. */
export interface Explained {
  /** The view of the summary, with every bucket of its window. */
  readonly view: ExposuresView
  /** The same without the time of strays, for what is about when things happened. */
  readonly overTime: ExposuresView
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
    ...(ledger === undefined ? [] : [splitSection(explained, terminal)]),
    ...(breakdown === undefined ? [] : breakdownSections(breakdown, explained, terminal)),
  ]
}

/** The verdict on the split, in words. */
export function splitSection(
  { view, overTime, multiVariant, expectedShares }: Explained,
  { width, colour }: Terminal,
): readonly string[] {
  const verdicts = exposuresVerdicts(view, expectedShares)
  const { exposureHealth } = overTime === view ? verdicts : exposuresVerdicts(overTime, expectedShares)
  const { headline, sentences } = splitInWords(verdicts, words)
  const text = [
    ...(verdicts.assumed ? ['No split was given (--expected), so this assumes equal shares.'] : []),
    ...sentences,
    ...healthInWords(exposureHealth, words),
    ...excludedInWords(verdicts.excludedRatio, multiVariant, words),
  ].join(' ')
  return [strong(`${headline}${inBrackets(verdicts.sampleRatio.pValue)}`, colour), ...filled(text, width)]
}

function ledgerSections(
  ledger: ExposureLedger,
  { view, scanned }: Explained,
  { width, colour }: Terminal,
): readonly (readonly string[])[] {
  const lines = ledgerLines(ledger, words)
  const {
    keys: variants,
    labelOf,
    notes,
  } = fittedColumns(
    [...new Set([...view.variants.map(({ key }) => key), ...Object.keys(ledger.exposuresByVariant)])],
    ledger.exposuresByVariant,
    width - 36 - Math.max(6, count(ledger.scanned).length),
    (key, label) => Math.max(count(countOf(ledger.exposuresByVariant, key)).length, label.length),
  )
  const rows = lines.map(({ kind, label, events, share, byVariant }) => [
    kind === 'total' ? label : `  − ${label.replace(/^./, (letter) => letter.toLowerCase())}`,
    count(events),
    share,
    ...variants.map((key) => (byVariant === null ? '' : count(countOf(byVariant, key)))),
  ])
  const table = plainTable([['', 'Events', 'Share', ...variants.map(labelOf)], ...rows], { gap: 2 })
  return [
    [
      strong('Where the events went', colour),
      '',
      ...table.map((line, row) =>
        row === 0 ? faint(line, colour) : lines[row - 1]?.kind === 'total' ? strong(line, colour) : line,
      ),
      '',
      ...filled(ledgerSum(ledger, words), width),
      ...notes.flatMap((note) => filled(note, width)).map((line) => faint(line, colour)),
      ...[...ledgerSentences(ledger, words), scanned].flatMap((sentence) => filled(sentence, width)),
    ],
  ]
}

function crossoverSections(
  crossovers: Crossovers,
  { view, overTime, multiVariant, expectedShares }: Explained,
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
  const starts = overTime.points.map(({ start }) => start)
  const inPairs = [...new Set(pairs.flatMap(({ firstVariant, nextVariant }) => [firstVariant, nextVariant]))]
  const pairLabel = labelsOf(inPairs, 14)
  const drawn = (points: Crossovers['timeseries']['points']): string => {
    const of = new Map(points.map((point) => [point.bucket, point.identities]))
    return sparkline(
      starts.map((start) => of.get(start) ?? 0),
      Math.max(8, width - 32 - 2 * Math.max(...inPairs.map((key) => pairLabel(key).length))),
    )
  }
  const title = strong('Who crossed over', colour)
  const crossed = filled(crossedInWords(answer, seen, labelOf, words), width)
  if (identities === 0) return [[title, ...crossed]]
  const rowLabel = labelsOf(
    rows.map(({ firstVariant }) => firstVariant),
    12,
  )
  const {
    keys: fits,
    labelOf: columnLabel,
    notes: dropped,
  } = fittedColumns(
    variants,
    Object.fromEntries(variants.map((key, column) => [key, all.cells[column] ?? 0])),
    width -
      16 -
      Math.max(...rows.map(({ firstVariant }) => rowLabel(firstVariant).length), 13) -
      count(identities).length,
    (_, label) => 5 + label.length,
  )
  const cellsOf = (cells: readonly (number | null)[]): readonly string[] =>
    fits.map((key) => {
      const cell = cells[variants.indexOf(key)]
      return cell === null || cell === undefined ? '–' : count(cell)
    })
  const matrix = plainTable(
    [
      ['First seen in', ...fits.map((key) => `then ${columnLabel(key)}`), 'All', 'Share'],
      ...rows.map(({ firstVariant, cells, identities, began }) => [
        rowLabel(firstVariant),
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
        pairLabel(firstVariant),
        pairLabel(nextVariant),
        count(identities),
        medianInWords(medianMs, words),
        drawn(points),
      ]),
    ],
    { leftColumns: 2, gap: 2 },
  )
  const notes = [
    ...(left === 0
      ? dropped
      : [
          `${count(variants.length + left - fits.length)} smaller variants have no column here, and ${count(left)} of them no row; the sums include them.`,
        ]),
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
  const {
    keys: variants,
    labelOf,
    notes,
  } = fittedColumns(
    Object.keys(totals),
    totals,
    width -
      34 -
      Math.max(...labels.map(({ length }) => length)) -
      Math.max(...answer.slices.map((slice) => pText(slice).length), 1),
    (_, label) => Math.max(7, label.length),
  )
  const table = plainTable(
    [
      [variantLabel(breakdown.column, 20), 'Identities', 'Excluded', ...variants.map(labelOf), 'p', 'Split'],
      ...answer.slices.map((slice) => [
        shortSlice(slice),
        count(slice.counted),
        share(slice.excluded, slice.counted + slice.excluded),
        ...sharesWithin(slice, Object.keys(totals), variants),
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
      ...notes.flatMap((note) => filled(note, width)).map((line) => faint(line, colour)),
      '',
      ...filled(text, width),
    ],
  ]
}

/** The shares of the shown variants in a slice: those of all variants sum to 100 %, as shown. */
function sharesWithin(
  { byVariant }: SliceAnswer,
  all: readonly string[],
  shown: readonly string[],
): readonly string[] {
  const keys = [...new Set([...all, ...Object.keys(byVariant)])]
  const shares = words.shares(keys.map((key) => countOf(byVariant, key)))
  return shown.map((key) => shares[keys.indexOf(key)] ?? '')
}

function pText({ adjustedPValue }: { readonly adjustedPValue: number | null }): string {
  return adjustedPValue === null ? '–' : probability(adjustedPValue)
}

function shortSlice(slice: SliceAnswer): string {
  return cut(sliceLabel(slice, words), 20)
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
