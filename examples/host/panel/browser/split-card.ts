import type { ExposuresView } from 'first-exposure/view'
import { count, share } from '../format.js'
import { excludedInWords, probability, splitThreshold, type SplitVerdict } from '../split-verdict.js'
import { dataTable } from './data-table.js'
import { element, type Child } from './element.js'
import { variantName } from './series.js'
import { bucketLabel } from './time-labels.js'

/** Whether to trust the split: the verdict in words, then the evidence. */
export function splitCard(
  view: ExposuresView,
  verdict: SplitVerdict,
  timeZone: string,
): readonly HTMLElement[] {
  const { tone, headline, sentences, assumed, once, sequential, excluded } = verdict
  const bucketAt = (start: string): string => {
    const point = view.points.find((point) => point.start === start)
    return point === undefined ? start : bucketLabel(point, timeZone)
  }
  const onceFigures =
    once.pValue === null
      ? 'no figure'
      : `p ${equals(once.pValue)}` +
        (once.statistic === null || once.degreesOfFreedom === null
          ? ''
          : `, χ² = ${Number(once.statistic.toPrecision(4))} with ${once.degreesOfFreedom} degree${once.degreesOfFreedom === 1 ? '' : 's'} of freedom`)
  const looks = sequential.path.length
  const sequentialFigures =
    sequential.pValue === null
      ? (sequential.reason ?? 'no figure')
      : `running p ${equals(sequential.pValue)}` +
        (sequential.logBayesFactor === null
          ? ''
          : `, log Bayes factor ${signed(sequential.logBayesFactor)}`) +
        ` after ${count(looks)} closed bucket${looks === 1 ? '' : 's'}`
  const crossed =
    sequential.pValue === null
      ? null
      : sequential.firstCrossedAt === null
        ? 'It never found a mismatch.'
        : `It first found a mismatch after ${bucketAt(sequential.firstCrossedAt)}.`
  const open =
    sequential.openBucket === null
      ? null
      : `The last bucket is left out, because the window covers only part of it.`
  return [
    element('h2', {}, 'Can the split be trusted?'),
    element('p', { class: `verdict ${toneClasses[tone]}` }, headline),
    assumed ? element('p', {}, 'No split was given for this page, so it assumes equal shares.') : null,
    ...sentences.map((sentence) => element('p', {}, sentence)),
    element('p', { class: excluded.status === 'warning' ? 'warning' : '' }, excludedInWords(excluded)),
    element(
      'dl',
      { class: 'evidence' },
      ...entry(
        'One look at the totals',
        onceFigures,
        `A mismatch is p below ${splitThreshold} (chi-squared test).`,
      ),
      ...entry(
        'A look after every bucket',
        sequentialFigures,
        [crossed, open, 'This test stays right however often you look (Lindon & Malek, 2022).']
          .filter((sentence) => sentence !== null)
          .join(' '),
      ),
    ),
    once.arms.length === 0
      ? null
      : dataTable(
          'Counted and expected identities by variant',
          ['Variant', 'Counted', assumed ? 'If equal' : 'Expected', 'Difference', 'Part of χ²'],
          once.arms.map(({ variant, observed, expected, statisticShare }) => ({
            head: variantName(variant),
            cells: [
              count(observed),
              tenths.format(expected),
              signed(observed - expected),
              statisticShare === null ? '–' : share(statisticShare, 1),
            ],
          })),
        ),
  ].filter((part) => part !== null)
}

/** The CSS class of a verdict's tone. */
export const toneClasses = { good: 'good', bad: 'bad', unsure: 'warning', unknown: 'neutral' } as const

const tenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const signedTenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1, signDisplay: 'exceptZero' })

function equals(pValue: number): string {
  const text = probability(pValue)
  return text.startsWith('below') ? text : `= ${text}`
}

function signed(value: number): string {
  return signedTenths.format(value).replace('-', '−')
}

function entry(name: string, value: Child, note: string): readonly HTMLElement[] {
  return [element('dt', {}, name), element('dd', {}, value), element('dd', { class: 'note' }, note)]
}
