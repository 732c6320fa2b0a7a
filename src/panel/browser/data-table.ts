import type { PanelWords } from '../panel-words.js'
import { element, type Child } from './element.js'

/** A row of a table: its head, and its cells. */
interface TableRow {
  readonly head: Child
  readonly cells: readonly Child[]
  /** The row's CSS class. */
  readonly class?: string
}

/** A table as it is asked for. */
export interface DataTable {
  readonly caption: string
  readonly heads: readonly Child[]
  readonly rows: readonly TableRow[]
  readonly footRows?: readonly TableRow[]
  /** Its CSS class. A table of the class `stacked` gives each head a line of its own where there is little room. */
  readonly class?: string
}

/** A table. If it is larger than its place it says so, and scrolls, also by keyboard: see `markScrollable`. */
export function dataTable(
  { caption, heads, rows, footRows = [], class: name = '' }: DataTable,
  { say }: PanelWords,
): HTMLElement {
  // As a grid, a table is still read as one if each part has its role.
  const line = ({ head, cells, class: name }: TableRow): HTMLElement =>
    element(
      'tr',
      { role: 'row', ...(name === undefined ? {} : { class: name }) },
      element('th', { scope: 'row', role: 'rowheader' }, head),
      ...cells.map((cell) => element('td', { role: 'cell' }, cell)),
    )
  const group = (part: 'thead' | 'tbody' | 'tfoot', lines: readonly HTMLElement[]): HTMLElement =>
    element(part, { role: 'rowgroup' }, ...lines)
  return element(
    'div',
    { class: `table cells-${heads.length - 1} ${name}`.trim() },
    element('p', { class: 'hint', 'aria-hidden': 'true' }, say('scrolls')),
    element(
      'div',
      { class: 'scroll', role: 'group', 'aria-label': caption },
      element(
        'table',
        { role: 'table' },
        element('caption', { class: 'unseen' }, caption),
        group('thead', [
          element(
            'tr',
            { role: 'row' },
            ...heads.map((head) => element('th', { scope: 'col', role: 'columnheader' }, head)),
          ),
        ]),
        group('tbody', rows.map(line)),
        footRows.length === 0 ? null : group('tfoot', footRows.map(line)),
      ),
    ),
  )
}

/** What a table with a column for each variant says below, where some have none. */
export function withoutColumn(variants: number, { say }: PanelWords): readonly HTMLElement[] {
  return variants === 0 ? [] : [element('p', { class: 'note' }, say('withoutColumn', { count: variants }))]
}

/** Says of each table below an element whether it is larger than its place, and lets the keyboard scroll those. */
export function markScrollable(root: ParentNode): void {
  const places = [...root.querySelectorAll<HTMLElement>('.scroll')]
  // All sizes first, then all changes: so the page is laid out once.
  const larger = places.map(
    ({ scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
      scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1,
  )
  places.forEach((place, index) => {
    const scrolls = larger[index] === true
    place.parentElement?.classList.toggle('scrolls', scrolls)
    if (scrolls) place.setAttribute('tabindex', '0')
    else place.removeAttribute('tabindex')
  })
}

/** A figure in a text: its sign stays on its side whatever the direction of the text. */
export function figure(text: string, { latinDigits }: PanelWords): HTMLElement {
  return element('bdi', latinDigits ? { dir: 'ltr' } : {}, text)
}
