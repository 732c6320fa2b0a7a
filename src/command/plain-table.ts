import Table from 'cli-table3'

/** A table without borders, as lines of text. The first `leftColumns` columns are aligned left, the others right. */
export function plainTable(
  rows: readonly (readonly string[])[],
  { leftColumns = 1, gap = 3 }: { readonly leftColumns?: number; readonly gap?: number } = {},
): string[] {
  const table = new Table({
    chars: noBorders,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': gap },
    colAligns: rows[0]?.map((_, column) => (column < leftColumns ? 'left' : 'right')) ?? [],
  })
  table.push(...rows.map((row) => [...row]))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
}

const noBorders = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
)
