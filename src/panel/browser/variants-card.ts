import { countOf } from '../count-of.js'
import { dataTable, figure } from './data-table.js'
import { element, svgElement } from './element.js'
import { rowsOf, swatch, variantName } from './series.js'
import type { Shown } from './shown.js'

/** The identities and share of each variant, control first, and the excluded identities below. */
export function variantsCard({
  view,
  variants,
  series,
  verdicts,
  words,
  heading,
}: Shown): readonly HTMLElement[] {
  const { say, count, share, shares } = words
  const { sampleRatio, assumed } = verdicts
  const penOf = new Map(series.map(({ variant, pen }) => [variant.key, pen]))
  const compares = sampleRatio.arms.length > 0 && view.total > 0
  const expectedOf = Object.fromEntries(
    sampleRatio.arms.map(({ variant, expectedShare }) => [variant, expectedShare ?? 0]),
  )
  const expectedTexts = shares(sampleRatio.arms.map(({ expectedShare }) => expectedShare ?? 0))
  const expectedShares = new Map(
    sampleRatio.arms.map(({ variant }, place) => [variant, expectedTexts[place]]),
  )
  const { rows, rest } = rowsOf(variants)
  const restTotal = rest.reduce((sum, { total }) => sum + total, 0)
  const shown = shares([...rows.map(({ total }) => total), restTotal])
  const most = Math.max(
    ...rows.map(({ share }) => share),
    ...sampleRatio.arms.map(({ expectedShare }) => expectedShare ?? 0),
  )
  const cellsOf = (
    total: number,
    share: string,
    expected: string | null,
    bar: SVGSVGElement | null,
  ): readonly (HTMLElement | string)[] => [
    figure(count(total), words),
    element('span', { class: 'with-bar' }, bar, element('span', { class: 'share' }, figure(share, words))),
    ...(compares ? [expected === null ? '' : figure(expected, words)] : []),
  ]
  const seen = view.total + view.excludedIdentities
  return [
    heading(say('variants')),
    dataTable(
      {
        caption: say('variantsCaption'),
        class: 'stacked variants',
        heads: [
          say('variant'),
          say('identities'),
          say('share'),
          ...(compares ? [say(assumed ? 'ifEqual' : 'expected')] : []),
        ],
        rows: [
          ...rows.map(({ key, total, share, isControl, expected }, place) => ({
            head: element(
              'span',
              { class: 'variant-head' },
              swatch(penOf.get(key)),
              element(
                'span',
                {},
                variantName(key, words),
                isControl ? badge(say('control')) : null,
                expected ? null : badge(say('notConfigured'), ' warning'),
              ),
            ),
            cells: cellsOf(
              total,
              shown[place] ?? '',
              expectedShares.get(key) ?? say('noneExpected'),
              shareBar(share, compares ? countOf(expectedOf, key) : 0, most, penOf.get(key)),
            ),
          })),
          ...(rest.length === 0
            ? []
            : [
                {
                  head: say('moreVariants', { count: rest.length }),
                  cells: cellsOf(restTotal, shown.at(-1) ?? '', null, null),
                },
              ]),
        ],
        footRows: [
          {
            head: say('allVariants'),
            cells: cellsOf(view.total, share(view.total, view.total), null, null),
          },
          {
            head: say('excluded'),
            cells: cellsOf(view.excludedIdentities, share(view.excludedIdentities, seen), null, null),
          },
        ],
      },
      words,
    ),
    element('p', { class: 'note' }, say('excludedShareNote', { count: seen })),
  ]
}

/** A variant's share as a bar, with a mark where it should end. */
function shareBar(share: number, expected: number, most: number, pen: number | undefined): SVGSVGElement {
  const scale = most === 0 ? 0 : 1000 / most
  const at = Math.min(998, Math.max(2, expected * scale))
  return svgElement(
    'svg',
    { class: 'bar', viewBox: '0 0 1000 12', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svgElement('rect', {
      class: pen === undefined ? 'share-bar' : `share-bar pen-${pen}`,
      x: 0,
      y: 2,
      width: share * scale,
      height: 8,
    }),
    expected === 0 ? null : svgElement('line', { class: 'should-be', x1: at, x2: at, y1: 0, y2: 12 }),
  )
}

function badge(text: string, tone = ''): HTMLElement {
  return element('span', {}, ' ', element('span', { class: `badge${tone}` }, text))
}
