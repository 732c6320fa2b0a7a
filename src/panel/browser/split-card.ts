import { excludedInWords, healthInWords, splitInWords } from '../split-words.js'
import { dataTable, figure } from './data-table.js'
import { element, type Child } from './element.js'
import { rowsOf, variantName } from './series.js'
import type { Shown } from './shown.js'

/** Whether to trust the split: the verdict in words, then the evidence. */
export function splitCard({
  answer,
  verdicts,
  variants,
  bucketName,
  words,
  heading,
}: Shown): readonly HTMLElement[] {
  const { say, probability, digits, signed, tenths, count, shares } = words
  const { assumed, sampleRatio: once, sequentialSampleRatio: sequential } = verdicts
  const { excludedRatio, exposureHealth } = verdicts
  const { tone, headline, sentences } = splitInWords(verdicts, words)
  const isWorthAWarning = excludedRatio.status === 'warning'
  const p = (value: number): string => (value === 0 ? '' : '= ') + probability(value)
  const onceFigures =
    once.pValue === null
      ? say('sliceUnknown')
      : once.statistic === null || once.degreesOfFreedom === null
        ? say('oneLookFigures', { p: p(once.pValue) })
        : say('oneLookStatistic', {
            p: p(once.pValue),
            statistic: digits(once.statistic, 4),
            count: once.degreesOfFreedom,
          })
  const sequentialFigures =
    sequential.pValue === null || sequential.logBayesFactor === null
      ? (sequential.reason ?? say('sliceUnknown'))
      : say('everyLookFigures', {
          p: p(sequential.pValue),
          factor: signed(sequential.logBayesFactor),
          count: sequential.looks,
        })
  const everyLookNotes = [
    ...(sequential.pValue === null
      ? []
      : sequential.firstCrossedAt === null
        ? [say('neverCrossed')]
        : [say('firstCrossed', { bucket: bucketName(sequential.firstCrossedAt) })]),
    ...(sequential.openBucket === null ? [] : [say('openBucketLeftOut')]),
    say('everyLookNote'),
  ]
  const places = new Map(variants.map(({ key }, place) => [key, place]))
  const arms = once.arms.toSorted((a, b) => (places.get(a.variant) ?? 0) - (places.get(b.variant) ?? 0))
  const without = new Set(rowsOf(variants).rest.map(({ key }) => key))
  const rows = arms.filter(({ variant }) => !without.has(variant))
  const rest = arms.filter(({ variant }) => without.has(variant))
  const sumOfRest = (of: (arm: (typeof rest)[number]) => number): number =>
    rest.reduce((sum, arm) => sum + of(arm), 0)
  const partOf = ({ statisticShare }: (typeof rest)[number]): number => statisticShare ?? 0
  const parts = shares([...rows.map(partOf), sumOfRest(partOf)])
  const cellsOf = (observed: number, expected: number, part: string): readonly HTMLElement[] =>
    [count(observed), tenths(expected), signed(observed - expected), part].map((text) => figure(text, words))
  return [
    heading(say('splitTitle')),
    element('p', { class: `verdict ${tone}` }, headline),
    element(
      'div',
      // Beside the words only where it is not much longer than they are.
      { class: arms.length > 8 ? 'stack' : 'columns' },
      element(
        'div',
        {},
        ...(assumed ? [say('noSplitGiven')] : []).concat(sentences).map((text) => element('p', {}, text)),
        ...healthInWords(exposureHealth, words).map((text) => element('p', { class: 'warning' }, text)),
        element(
          'p',
          { class: isWorthAWarning ? 'warning' : '' },
          excludedInWords(excludedRatio, answer.multiVariant, words).join(' '),
        ),
      ),
      element(
        'div',
        {},
        arms.length === 0
          ? null
          : dataTable(
              {
                caption: say('splitCaption'),
                class: 'stacked',
                heads: [
                  say('variant'),
                  say('counted'),
                  say(assumed ? 'ifEqual' : 'expected'),
                  say('difference'),
                  say('partOfStatistic'),
                ],
                rows: [
                  ...rows.map(({ variant, observed, expected, statisticShare }, place) => ({
                    head: variantName(variant, words),
                    cells: cellsOf(
                      observed,
                      expected,
                      statisticShare === null ? say('noFigure') : (parts[place] ?? ''),
                    ),
                  })),
                  ...(rest.length === 0
                    ? []
                    : [
                        {
                          head: say('moreVariants', { count: rest.length }),
                          cells: cellsOf(
                            sumOfRest(({ observed }) => observed),
                            sumOfRest(({ expected }) => expected),
                            parts.at(-1) ?? '',
                          ),
                        },
                      ]),
                ],
              },
              words,
            ),
        element(
          'dl',
          { class: 'evidence' },
          ...entry(say('oneLook'), onceFigures, say('oneLookNote')),
          ...entry(say('everyLook'), sequentialFigures, everyLookNotes.join(' ')),
        ),
      ),
    ),
  ]
}

function entry(name: string, value: Child, note: string): readonly HTMLElement[] {
  return [element('dt', {}, name), element('dd', {}, value), element('dd', { class: 'note' }, note)]
}
