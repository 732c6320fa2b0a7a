import Table from 'cli-table3'
import type { Cost } from './measure-forms.js'

const plain = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
}

/** An aligned table: the first column to the left, numbers to the right. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    ...plain,
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
  })
  for (const row of rows) table.push([...row])
  return table.toString().replaceAll(/[ \t]+$/gm, '')
}

/** What each form costs, also relative to the `base` form. */
export function costTable(title: string, costs: readonly Cost[], base: string): string {
  const of = costs.find(({ form }) => form === base)?.cost
  const ratio = (value: number, against: number | undefined): string =>
    against === undefined ? '–' : (value / against).toFixed(2)
  return alignedTable(
    [title, 'seconds', 'CPU s', 'peak MiB', `time ÷ ${base}`, 'CPU ÷', 'peak ÷'],
    costs.map(({ form, cost }) => [
      form,
      cost.seconds.toFixed(2),
      cost.cpuSeconds.toFixed(2),
      (cost.peakBytes / 2 ** 20).toFixed(0),
      ratio(cost.seconds, of?.seconds),
      ratio(cost.cpuSeconds, of?.cpuSeconds),
      ratio(cost.peakBytes, of?.peakBytes),
    ]),
  )
}
