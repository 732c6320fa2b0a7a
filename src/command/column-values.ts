import { tolerant, type Load } from './file-load.js'
import { readRows, type OpenedFile } from './open-file.js'
import { fileRead } from './read-file.js'
import { oneLine } from './report-error.js'

/** A column, and values of it that rows should have. */
export interface AskedValues {
  readonly column: string
  readonly values: readonly string[]
  /** The option that asks for them. */
  readonly option: string
}

/** Says which values of a column no row has, and which it has; `undefined` if every value is there. */
export async function absentValues(
  { engine }: Pick<Load, 'engine'>,
  name: string,
  files: readonly OpenedFile[],
  { column, values, option }: AskedValues,
): Promise<string | undefined> {
  const rows = new Map<string, number>()
  for (const file of files) {
    const { from, query_params, text } = fileRead(file, { asked: column })
    const found = await readRows<{ asked_value: string; asked_rows: string | number }>(
      engine.client,
      file,
      `SELECT ifNull(${text('asked')}, '') AS asked_value, count() AS asked_rows
      FROM ${from}
      GROUP BY asked_value
      ORDER BY has({asked_values:Array(String)}, asked_value) DESC, asked_rows DESC, asked_value
      LIMIT 100
      SETTINGS ${tolerant(file)}`,
      { ...query_params, asked_values: values },
    )
    for (const each of found)
      rows.set(each.asked_value, (rows.get(each.asked_value) ?? 0) + Number(each.asked_rows))
  }
  const absent = values.filter((value) => !rows.has(value))
  if (absent.length === 0) return undefined
  const there = [...rows].sort((a, b) => b[1] - a[1]).map(([value]) => value)
  const shown = there.slice(0, 5).map(quoted).join(', ')
  return (
    `${name} has no row whose ${quoted(column)} is ${absent.map(quoted).join(' or ')} (${option}); ` +
    (there.length === 0 ? 'it is empty' : `it has ${shown}${there.length > 5 ? ' and more' : ''}`)
  )
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, 60))
}
