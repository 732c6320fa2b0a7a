import type { ExposuresView } from 'first-exposure/view'
import { count, share } from '../format.js'
import type { SplitVerdict } from '../split-verdict.js'
import { dataTable } from './data-table.js'
import { element } from './element.js'
import { swatch, variantName, type Series } from './series.js'

/** The identities and share of each variant, control first, and the excluded identities below. */
export function variantsCard(
  view: ExposuresView,
  series: readonly Series[],
  { once, assumed }: SplitVerdict,
): readonly HTMLElement[] {
  const penOf = new Map(series.map(({ variant, pen }) => [variant.key, pen]))
  const expectedOf = new Map(once.arms.map(({ variant, expectedShare }) => [variant, expectedShare]))
  const compares = once.arms.length > 0 && view.total > 0
  const seen = view.total + view.excludedIdentities
  const rows = view.variants.map(({ key, total, isControl, expected }) => {
    const shouldBe = expectedOf.get(key)
    return {
      head: element(
        'span',
        { class: 'variant-head' },
        swatch(penOf.get(key)),
        element(
          'span',
          {},
          variantName(key),
          isControl ? badge('Control') : null,
          expected ? null : badge('Not configured', ' warning'),
        ),
      ),
      cells: [
        count(total),
        share(total, view.total),
        ...(compares ? [shouldBe === null || shouldBe === undefined ? 'none' : share(shouldBe, 1)] : []),
      ],
    }
  })
  const blank = compares ? [''] : []
  return [
    element('h2', {}, 'Variants'),
    dataTable(
      'Identities by variant',
      ['Variant', 'Identities', 'Share', ...(compares ? [assumed ? 'If equal' : 'Expected'] : [])],
      rows,
      [
        { head: 'All variants', cells: [count(view.total), share(view.total, view.total), ...blank] },
        {
          head: 'Excluded',
          cells: [count(view.excludedIdentities), share(view.excludedIdentities, seen), ...blank],
        },
      ],
    ),
    element('p', { class: 'note' }, `The share of the excluded is of all ${count(seen)} identities seen.`),
  ]
}

function badge(text: string, tone = ''): HTMLElement {
  return element('span', {}, ' ', element('span', { class: `badge${tone}` }, text))
}
