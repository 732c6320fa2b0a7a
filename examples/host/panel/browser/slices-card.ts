import type { ExposuresView } from 'first-exposure/view'
import { count, share } from '../format.js'
import type { PanelData } from '../panel-data.js'
import { sliceLabel, sliceLines, slicesInWords, sliceVerdicts, type SliceLine } from '../slice-lines.js'
import { probability, type SplitVerdict } from '../split-verdict.js'
import { dataTable } from './data-table.js'
import { element } from './element.js'
import { mostVariants, variantName } from './series.js'

/** The split in each slice of the traffic, with a verdict on each. Slices with a mismatch come first. */
export function slicesCard(
  breakdown: NonNullable<PanelData['breakdown']>,
  view: ExposuresView,
  { shares, assumed }: SplitVerdict,
): readonly HTMLElement[] {
  const slices = sliceLines(breakdown, shares)
  const { tone, headline, sentence } = slicesInWords(slices)
  const variants = mostVariants(
    view.variants.map(({ key }) => key),
    Object.fromEntries(view.variants.map(({ key, total }) => [key, total])),
  )
  return [
    element('h2', {}, 'Slices by ', element('bdi', { class: 'slice' }, sliceLabel(breakdown.column, 60))),
    element('p', { class: `verdict ${tone === 'unknown' ? 'neutral' : tone}` }, headline),
    element('p', {}, `${assumed ? 'This assumes equal shares. ' : ''}${sentence}`),
    dataTable(
      'The split by slice',
      [
        'Value',
        'Split',
        'p, corrected',
        'Identities',
        'Excluded',
        ...variants.map((key) => variantName(key)),
      ],
      slices.lines.map(({ value, counted, byVariant, excluded, result }) => ({
        head: sliceName(value),
        cells: [
          verdictBadge(result.status),
          result.adjustedPValue === null ? '–' : probability(result.adjustedPValue),
          count(counted),
          share(excluded, counted + excluded),
          ...variants.map((key) => share(byVariant.get(key) ?? 0, counted)),
        ],
      })),
    ),
  ]
}

function sliceName(value: SliceLine['value']): HTMLElement {
  const isNone = value === undefined || value === null || value === ''
  return element('bdi', { class: isNone ? 'slice none' : 'slice' }, sliceLabel(value, 60))
}

function verdictBadge(status: SliceLine['result']['status']): HTMLElement {
  const { tone, word } = sliceVerdicts[status]
  return element('span', { class: tone === 'unknown' ? 'badge' : `badge ${tone}` }, word)
}
