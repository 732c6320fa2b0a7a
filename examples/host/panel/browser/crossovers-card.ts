import type { Crossovers, CrossoversPoint, MultiVariantPolicy } from 'first-exposure'
import type { ExposuresView } from 'first-exposure/view'
import { crossoverMatrix } from '../crossover-matrix.js'
import { crossoversInWords, crossoverVerdict, medianInWords } from '../crossover-verdict.js'
import { count, share } from '../format.js'
import { probability } from '../split-verdict.js'
import { dataTable } from './data-table.js'
import { element, svgElement } from './element.js'
import { variantName } from './series.js'
import { bucketLabel } from './time-labels.js'

/** How many pairs have a row of their own. */
const mostPairs = 20

/** Who was in two variants: from which to which, how long after and when, whether evenly, and the split before it. */
export function crossoversCard(
  crossovers: Crossovers,
  view: ExposuresView,
  multiVariant: MultiVariantPolicy,
  timeZone: string,
  expectedShares?: Readonly<Record<string, number>>,
): readonly HTMLElement[] {
  const { identities, pairs } = crossovers
  const { tone, headline, sentences, bias, stayed } = crossoverVerdict(
    crossovers,
    view,
    multiVariant,
    expectedShares,
  )
  const { variants, rows, all, left } = crossoverMatrix(crossovers, view, stayed)
  const labelOf = (bucket: string): string => {
    const point = view.points.find(({ start }) => start === bucket)
    return point === undefined ? bucket : bucketLabel(point, timeZone)
  }
  const summary = crossoversInWords(crossovers, view.total + view.excludedIdentities, labelOf)
  const heading = element('h2', {}, 'Who crossed over')
  if (identities === 0) return [heading, element('p', {}, summary)]
  const pValue = bias.pValue === null ? '' : ` (p\u00a0${probability(bias.pValue)})`
  return [
    heading,
    element('p', { class: `verdict ${tone === 'unknown' ? 'neutral' : tone}` }, `${headline}${pValue}`),
    ...[summary, ...sentences].map((sentence) => element('p', {}, sentence)),
    element(
      'div',
      { class: 'columns' },
      dataTable(
        'Identities by their first variant and the next one',
        [
          'First in',
          ...variants.map((key) => element('span', {}, 'then ', variantName(key))),
          'All',
          'Share',
        ],
        rows.map(({ firstVariant, cells, identities, began }) => ({
          head: variantName(firstVariant),
          cells: [
            ...cells.map((cell) => (cell === null ? '–' : count(cell))),
            count(identities),
            share(identities, began),
          ],
        })),
        [
          {
            head: 'All',
            cells: [
              ...all.cells.map((cell) => count(cell ?? 0)),
              count(all.identities),
              share(all.identities, all.began),
            ],
          },
        ],
      ),
      dataTable(
        'Pairs of variants: how long between, and when',
        ['From → to', 'Identities', 'Median between', 'When (and peak)'],
        pairs.slice(0, mostPairs).map(({ firstVariant, nextVariant, identities, medianMs, points }) => ({
          head: element(
            'span',
            { class: 'pair' },
            variantName(firstVariant),
            ' → ',
            variantName(nextVariant),
          ),
          cells: [
            count(identities),
            medianInWords(medianMs),
            element(
              'span',
              { class: 'with-bar' },
              spark(points, view),
              labelOf(points.reduce((a, b) => (b.identities > a.identities ? b : a), none).bucket),
            ),
          ],
        })),
      ),
    ),
    element('p', { class: 'note' }, 'The share is of all identities that were first in the variant.'),
    ...(left > 0
      ? [
          element(
            'p',
            { class: 'note' },
            `The table shows the largest variants. ${count(left)} more are only included in the sums.`,
          ),
        ]
      : []),
    ...(pairs.length > mostPairs
      ? [
          element(
            'p',
            { class: 'note' },
            `These are the ${mostPairs} largest of ${count(pairs.length)} pairs.`,
          ),
        ]
      : []),
  ]
}

const none: CrossoversPoint = { bucket: '', identities: 0 }

/** When identities changed their variant, as a row of small bars over the whole window. */
function spark(points: readonly CrossoversPoint[], view: ExposuresView): SVGSVGElement {
  const width = 72
  const height = 16
  const of = new Map(points.map(({ bucket, identities }) => [bucket, identities]))
  const most = Math.max(1, ...points.map(({ identities }) => identities))
  const step = width / Math.max(1, view.points.length)
  return svgElement(
    'svg',
    { class: 'spark', width, height, 'aria-hidden': 'true' },
    ...view.points.map(({ start }, index) => {
      const tall = ((of.get(start) ?? 0) / most) * height
      return svgElement('rect', {
        x: index * step,
        y: height - tall,
        width: Math.max(0.5, step - (step > 2 ? 1 : 0)),
        height: tall,
      })
    }),
  )
}
