import type { ClickHouseClient } from '@clickhouse/client'
import type { ExposuresBreakdown, ExposuresSummary, ExposureWindow } from '../index.js'
import { exposuresVerdicts } from '../panel/exposures-verdicts.js'
import { excludedInWords, splitInWords } from '../panel/split-words.js'
import { exposuresView } from '../view/index.js'
import { filled } from './filled.js'
import { plainTable } from './plain-table.js'
import { explanationText } from './print-explanation.js'
import type { Context, Terminal } from './print-report.js'
import { count, counted, probability, share, variantLabel, words } from './words.js'

/** Identities that were exposed to several variants, by which ones: without time there is no first. */
export interface Combination {
  readonly variants: readonly string[]
  readonly identities: number
}

/** The answer about exposures without timestamps, as data. It has no time in it. */
export interface Totals {
  readonly excludedIdentities: number
  /** Identities by variant, each in one variant only. */
  readonly identities: Readonly<Record<string, number>>
  readonly crossovers: readonly Combination[]
  readonly breakdown?: ExposuresBreakdown & { readonly column: string }
}

/** Asks for the identities with several variants, from a table of exposures of one experiment. */
export async function fetchCombinations(client: ClickHouseClient): Promise<readonly Combination[]> {
  const result = await client.query({
    query: `SELECT seen AS variants, count() AS identities
      FROM
      (
        SELECT arraySort(groupUniqArray(assumeNotNull(variant))) AS seen
        FROM exposures
        WHERE variant IS NOT NULL AND identity != ''
        GROUP BY identity
        HAVING uniqExact(variant) > 1
      )
      GROUP BY seen
      ORDER BY identities DESC, seen`,
    format: 'JSONEachRow',
  })
  const rows = await result.json<{ variants: string[]; identities: string | number }>()
  return rows.map(({ variants, identities }) => ({ variants, identities: Number(identities) }))
}

/** The identities of a summary by variant, over all of its time. */
export function totalsOf({ timeseries, excludedIdentities }: ExposuresSummary): Omit<Totals, 'crossovers'> {
  const identities = new Map<string, number>()
  for (const { newIdentities } of timeseries.points) {
    for (const [variant, entered] of Object.entries(newIdentities)) {
      identities.set(variant, (identities.get(variant) ?? 0) + entered)
    }
  }
  return { excludedIdentities, identities: Object.fromEntries(identities) }
}

/** The report of exposures without timestamps: totals, crossovers, the split and slices, without a chart. */
export function totalsText(
  summary: ExposuresSummary,
  window: ExposureWindow,
  combinations: readonly Combination[],
  { spec, origin, notes, configured: { expectedShares, control }, explanation, scanned }: Context,
  terminal: Terminal,
): string {
  const { width, colour } = terminal
  const view = exposuresView(summary, {
    window,
    ...(expectedShares === undefined ? {} : { variants: Object.keys(expectedShares) }),
    ...(control === undefined ? {} : { control }),
  })
  const { variants, total, excludedIdentities: excluded } = view
  const seen = total + excluded
  const strong = (text: string): string => (colour ? `\u001b[1m${text}\u001b[22m` : text)
  const faint = (text: string): string => (colour ? `\u001b[2m${text}\u001b[22m` : text)
  const verdicts = exposuresVerdicts(view, expectedShares)
  const { headline, sentences } = splitInWords(verdicts, words)
  const { pValue } = verdicts.sampleRatio
  const labelLength = Math.max(8, Math.min(40, width - 30))
  const most = combinations.slice(0, 10)
  const rows = [
    ['Source', origin],
    ['Time', 'none: the file has no timestamps, so nothing here is over time'],
    ...notes.map((note, index) => [index === 0 ? 'Notes' : '', note]),
  ]
  const sections = [
    [
      strong(variantLabel(spec.featureName, width)),
      ...rows.flatMap(([name = '', text = '']) =>
        filled(text, width - 13).map(
          (line, index) => `${faint((index === 0 ? name : '').padEnd(13))}${line}`,
        ),
      ),
    ],
    filled(
      `${counted(total, 'identity', 'identities')} entered, in ${counted(variants.length, 'variant', 'variants')}` +
        (excluded === 0 ? '.' : `; ${count(excluded)} (${share(excluded, seen)}) excluded.`),
      width,
    ).map(strong),
    [
      ...plainTable([
        ['Variant', 'Identities', 'Share'].map(faint),
        ...variants.map(({ key, total: entered }) => [
          variantLabel(key, labelLength),
          count(entered),
          share(entered, total),
        ]),
        ['All variants', count(total), share(total, total)].map(strong),
        ['Excluded', count(excluded), share(excluded, seen)],
      ]),
      '',
      ...filled(
        `Excluded identities were exposed to more than one variant. Their share is of ${seen === 1 ? 'the 1 identity' : `all ${count(seen)} identities`} seen.`,
        width,
      ).map(faint),
    ],
    ...(most.length === 0
      ? []
      : [
          [
            strong('Who was in several variants'),
            '',
            ...plainTable([
              ['Variants', 'Identities', 'Share'].map(faint),
              ...most.map(({ variants: keys, identities }) => [
                variantLabel(keys.map((key) => variantLabel(key, 14)).join(' + '), labelLength),
                count(identities),
                share(identities, seen),
              ]),
            ]),
            ...(most.length < combinations.length
              ? [faint(`These are the ${most.length} largest of ${count(combinations.length)} combinations.`)]
              : []),
          ],
        ]),
    [
      strong(`${headline}${pValue === null ? '' : ` (p ${probability(pValue)})`}`),
      ...filled(
        [
          ...(verdicts.assumed ? ['No split was given (--expected), so this assumes equal shares.'] : []),
          ...sentences,
          ...excludedInWords(verdicts.excludedRatio, spec.multiVariant, words),
        ].join(' '),
        width,
      ),
    ],
    ...explanationText(
      explanation.breakdown === undefined ? {} : { breakdown: explanation.breakdown },
      { view, overTime: view, multiVariant: spec.multiVariant, expectedShares, scanned },
      terminal,
    ).map((lines) => [...lines]),
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}
