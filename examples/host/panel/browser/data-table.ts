import { element, type Child } from './element.js'

/** A row of a table: its head, and its cells. */
export interface TableRow {
  readonly head: Child
  readonly cells: readonly Child[]
  /** The row's CSS class. */
  readonly class?: string
}

/** A table that scrolls if it is wider than its place, also by keyboard. */
export function dataTable(
  caption: string,
  heads: readonly Child[],
  rows: readonly TableRow[],
  footRows: readonly TableRow[] = [],
): HTMLElement {
  const line = ({ head, cells, class: name }: TableRow): HTMLElement =>
    element(
      'tr',
      name === undefined ? {} : { class: name },
      element('th', { scope: 'row' }, head),
      ...cells.map((cell) => element('td', {}, cell)),
    )
  return element(
    'div',
    { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', { class: 'unseen' }, caption),
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
      element('tbody', {}, ...rows.map(line)),
      footRows.length === 0 ? null : element('tfoot', {}, ...footRows.map(line)),
    ),
  )
}
