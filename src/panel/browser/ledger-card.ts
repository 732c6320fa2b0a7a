import type { ExposureLedger } from '../../questions/ledger/answer.js'
import { countOf } from '../count-of.js'
import { ledgerLines, ledgerSentences, ledgerSum } from '../ledger-words.js'
import { dataTable, figure, withoutColumn } from './data-table.js'
import { element, svgElement } from './element.js'
import { mostVariants, shortNames } from './series.js'
import type { Shown } from './shown.js'

/** Where every event went: what was scanned, what was removed at each step, and what is left. */
export function ledgerCard(
  ledger: ExposureLedger,
  { variants, words, heading }: Shown,
): readonly HTMLElement[] {
  const { say, count, signed } = words
  const keys = [...new Set([...variants.map(({ key }) => key), ...Object.keys(ledger.exposuresByVariant)])]
  const columns = mostVariants(keys, ledger.exposuresByVariant)
  const name = shortNames(columns, words)
  let left = ledger.scanned
  const rows = ledgerLines(ledger, words).map(({ kind, label, events, share, byVariant }) => {
    if (kind === 'less') left -= events
    return {
      class: [kind, ...(kind === 'less' && events === 0 ? ['nothing'] : [])].join(' '),
      head: label,
      cells: [
        figure(kind === 'less' ? signed(-events) : count(events), words),
        element(
          'span',
          { class: 'with-bar' },
          bar(kind === 'less' ? left : 0, events, ledger.scanned),
          element('span', { class: 'share' }, figure(share, words)),
        ),
        ...columns.map((key) => (byVariant === null ? '' : count(countOf(byVariant, key)))),
      ],
    }
  })
  return [
    heading(say('ledgerTitle')),
    dataTable(
      {
        caption: say('ledgerCaption'),
        class: 'ledger',
        heads: [say('events'), say('number'), say('share'), ...columns.map(name)],
        rows,
      },
      words,
    ),
    ...withoutColumn(keys.length - columns.length, words),
    ...[ledgerSum(ledger, words), ...ledgerSentences(ledger, words)].map((sentence) =>
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
