import type { CrossoversAnswer } from '../crossovers-answer.js'
import { crossedInWords, crossoversInWords, medianInWords } from '../crossover-words.js'
import { dataTable, figure } from './data-table.js'
import { element, svgElement } from './element.js'
import { shortNames } from './series.js'
import type { Shown } from './shown.js'

/** Who was in two variants: from which to which, how long after and when, whether evenly, and the split before it. */
export function crossoversCard(
  crossovers: CrossoversAnswer,
  { answer, view, bucketName, words, heading }: Shown,
): readonly HTMLElement[] {
  const { say, count, share, probability } = words
  const { identities, pairs, pairCount, matrix, crossoverBias } = crossovers
  const title = heading(say('crossoversTitle'))
  const summary = crossedInWords(crossovers, view.total + view.excludedIdentities, bucketName, words)
  if (identities === 0) return [title, element('p', {}, summary)]
  const { tone, headline, sentences } = crossoversInWords(crossovers, answer.multiVariant, words)
  const pValue = crossoverBias.pValue === null ? '' : ` (p\u00a0${probability(crossoverBias.pValue)})`
  const name = shortNames(
    [...new Set([...matrix.variants, ...pairs.flatMap((pair) => [pair.firstVariant, pair.nextVariant])])],
    words,
  )
  const notes = [
    say('crossedShareNote'),
    ...(matrix.left > 0 ? [say('matrixLeft', { count: matrix.left })] : []),
    ...(pairCount > pairs.length
      ? [say('largestPairs', { shown: pairs.length, number: count(pairCount) })]
      : []),
  ]
  return [
    title,
    element('p', { class: `verdict ${tone}` }, `${headline}${pValue}`),
    ...[summary, ...sentences].map((sentence) => element('p', {}, sentence)),
    element(
      'div',
      // Side by side only where both are narrow.
      { class: matrix.variants.length > 2 ? 'stack' : 'columns' },
      dataTable(
        {
          caption: say('matrixCaption'),
          heads: [
            say('firstIn'),
            ...matrix.variants.map((key) => withName(say('thenVariant'), name(key))),
            say('all'),
            say('share'),
          ],
          rows: matrix.rows.map(({ firstVariant, cells, identities, began }) => ({
            head: name(firstVariant),
            cells: [
              ...cells.map((cell) => (cell === null ? say('noFigure') : count(cell))),
              count(identities),
              figure(share(identities, began), words),
            ],
          })),
          footRows: [
            {
              head: say('all'),
              cells: [
                ...matrix.all.cells.map((cell) => count(cell ?? 0)),
                count(matrix.all.identities),
                figure(share(matrix.all.identities, matrix.all.began), words),
              ],
            },
          ],
        },
        words,
      ),
      dataTable(
        {
          caption: say('pairsCaption'),
          heads: [say('fromTo'), say('identities'), say('medianBetween'), say('when')],
          rows: pairs.map(({ firstVariant, nextVariant, identities, medianMs, peak, bars }) => ({
            // The arrow points to the right whatever the direction of the text.
            head: element('span', { dir: 'ltr' }, name(firstVariant), ' → ', name(nextVariant)),
            cells: [
              count(identities),
              medianInWords(medianMs, words),
              element('span', { class: 'with-bar' }, spark(bars), bucketName(peak.bucket)),
            ],
          })),
        },
        words,
      ),
    ),
    ...notes.map((note) => element('p', { class: 'note' }, note)),
  ]
}

/** A label with the name of a variant as an element of its own. */
function withName(label: string, name: HTMLElement): HTMLElement {
  const [before = '', after = ''] = label.split('{variant}')
  return element('span', {}, before, name, after)
}

/** When identities changed their variant, as a row of small bars over the whole window. */
function spark(bars: readonly number[]): SVGSVGElement {
  const width = 72
  const height = 16
  const most = Math.max(1, ...bars)
  const step = width / Math.max(1, bars.length)
  return svgElement(
    'svg',
    { class: 'spark', width, height, 'aria-hidden': 'true' },
    ...bars.map((identities, index) => {
      const tall = (identities / most) * height
      return svgElement('rect', {
        x: index * step,
        y: height - tall,
        width: Math.max(0.5, step - (step > 2 ? 1 : 0)),
        height: tall,
      })
    }),
  )
}
