import type { ExposureLedger } from 'first-exposure'
import type { ExposuresView } from 'first-exposure/view'
import { countOf } from '../count-of.js'
import { count, share } from '../format.js'
import { ledgerLines, ledgerSentences, ledgerSum } from '../ledger-lines.js'
import { dataTable } from './data-table.js'
import { element, svgElement } from './element.js'
import { mostVariants, variantName } from './series.js'

/** Where every event went: what was scanned, what was removed at each step, and what is left. */
export function ledgerCard(ledger: ExposureLedger, view: ExposuresView): readonly HTMLElement[] {
  const lines = ledgerLines(ledger)
  const variants = mostVariants(
    [...new Set([...view.variants.map(({ key }) => key), ...Object.keys(ledger.exposuresByVariant)])],
    ledger.exposuresByVariant,
  )
  let left = ledger.scanned
  const rows = lines.map(({ kind, label, events, byVariant }) => {
    if (kind === 'less') left -= events
    const name = [kind, ...(kind === 'less' && events === 0 ? ['nothing'] : [])].join(' ')
    return {
      class: name,
      head: label.replace(/^./, (letter) => letter.toUpperCase()),
      cells: [
        `${kind === 'less' && events > 0 ? '−' : ''}${count(events)}`,
        element(
          'span',
          { class: 'with-bar' },
          bar(kind === 'less' ? left : 0, events, ledger.scanned),
          element('span', { class: 'share' }, share(events, ledger.scanned)),
        ),
        ...variants.map((key) => (byVariant === null ? '' : count(countOf(byVariant, key)))),
      ],
    }
  })
  const table = dataTable(
    'Events from scanned to counted',
    ['Events', 'Number', 'Share', ...variants.map((key) => variantName(key))],
    rows,
  )
  table.classList.add('ledger')
  return [
    element('h2', {}, 'Where the events went'),
    table,
    ...[ledgerSum(ledger), ...ledgerSentences(ledger)].map((sentence) =>
      element('p', { class: 'note' }, sentence),
    ),
  ]
}

/** A bar for one part of the whole: where it begins and how long it is. */
function bar(from: number, length: number, whole: number): SVGSVGElement {
  const scale = 1000 / Math.max(1, whole)
  return svgElement(
    'svg',
    { class: 'bar', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    length === 0
      ? null
      : svgElement('rect', { x: from * scale, y: 0, width: Math.max(3, length * scale), height: 10 }),
  )
}
