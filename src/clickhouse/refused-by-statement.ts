import { ExposureError } from '../errors.js'
import { unreadableColumn, unsafeSetting, type UnreadableColumn } from '../scan/guards.js'
import { unknownToRollup } from '../scan/rolled-up-exposures.js'
import { missingShards } from '../scan/shards.js'

/**
 * The error for a refusal by the statement's own guards, or for a rollup of another schema, read from ClickHouse's error;
 * `undefined` for any other error.
 */
export function refusedByStatement(cause: unknown, query: string): ExposureError | undefined {
  const { code, message } = (cause ?? {}) as {
    readonly code?: unknown
    readonly message?: unknown
  }
  if (typeof message !== 'string') return undefined
  const named = String(code)
  // What the server says of the statement comes first. The patterns are slow on a text of any length.
  return Object.hasOwn(refusals, named)
    ? refusals[named]?.(message.slice(0, 32_768), cause, query)
    : undefined
}

type Refused = (message: string, cause: unknown, query: string) => ExposureError | undefined

const refusals: Readonly<Record<string, Refused>> = {
  // ILLEGAL_TYPE_OF_ARGUMENT
  43: unreadable,
  // UNKNOWN_IDENTIFIER
  47: (message, cause, query) => {
    if (/[`']_part[`']/.test(message) && query.includes(' FINAL')) {
      return new ExposureError(
        'invalid-spec',
        'source.final is about a table with parts, and source.table is a view or another table without: ClickHouse would ' +
          'ignore FINAL on a view. Write FINAL in the view, or pass a SELECT as source.table with FINAL after the name of ' +
          'its table, and leave source.final out.',
        { path: 'source.final' },
        { cause },
      )
    }
    const column = unknownToRollup(message, query)
    if (column === undefined) return undefined
    const cure =
      column.declared === undefined
        ? 'Another version of this package made it. Replace a rollup of version 0.1 with rollupMigration, or make a new one with rollupSchema and fill it.'
        : 'It was not declared with this column. Make a new one with rollupSchema({ …, columns }) and fill it, or leave the column out of rolledUp.'
    return new ExposureError(
      'unreadable-rollup',
      `The rollup's table has no column ${column.name}. ${cure}`,
      { column: column.declared ?? column.name },
      { cause },
    )
  },
  // TYPE_MISMATCH
  53: unreadable,
  // READONLY
  164: (message, cause) => {
    const setting = unsafeSetting(message)
    if (setting === undefined) return undefined
    return new ExposureError(
      'unsafe-setting',
      `The server's profile for this user has the setting ${setting}, under which this question cannot be answered ` +
        'rightly, and the user may not override it. Remove it from the profile, or let the user change it (readonly = 2).',
      { setting },
      { cause },
    )
  },
  // NO_COMMON_TYPE
  386: unreadable,
  // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
  395: (message, cause) =>
    message.includes(missingShards)
      ? new ExposureError(
          'shards-missing',
          'Not every shard of the cluster answered, and the server is set to skip those that are down ' +
            '(skip_unavailable_shards), so the answer would have been a part. Ask again when they are back.',
          {},
          { cause },
        )
      : unreadable(message, cause),
}

function unreadable(message: string, cause: unknown): ExposureError | undefined {
  const found = unreadableColumn(message)
  if (found === undefined) return undefined
  return new ExposureError(
    'unreadable-column',
    `The ${found.column} column has the type ${found.type}. ${cureOf(found)}`,
    { ...found },
    { cause },
  )
}

/** The expression to pass instead of the column's name. */
function cureOf({ column, type }: UnreadableColumn): string {
  if (column.startsWith('filter') && /Float32|Decimal/.test(type)) {
    return "To it, a fraction is not the Float64 that JavaScript has, so it would not be found. Pass it as text: '0.1'."
  }
  if (column.startsWith('filter')) {
    return (
      'The server would read text in its own zone, and a number as seconds or days, or as the number of a value of an ' +
      'Enum. Pass an instant, as a Date, to a DateTime column, and to any other column a value of its own type: text to ' +
      'an Enum, true or false to a Bool.'
    )
  }
  const instead = (expression: string): string => `columns: { ${column}: trustedSql\`${expression}\` }`
  if (column === 'identity' && /String/.test(type)) {
    return (
      'An identifier in it is no text in UTF-8, so it would arrive as U+FFFD, and look like others. Say how to write it ' +
      `as text: ${instead('hex(identity)')}, with the name of your column.`
    )
  }
  if (column === 'identity' || column === 'variant') {
    return `Say that its text is meant: ${instead(`toString(${column})`)}, with the name of your column.`
  }
  if (/Date/.test(type)) {
    return (
      `A date has no zone. Say in which zone its days are: ${instead("toDateTime64(day, 3, 'Europe/Madrid')")}, ` +
      "with the name of your column and the spec's time zone."
    )
  }
  if (/String/.test(type)) {
    return `Say how to read it: ${instead("parseDateTime64BestEffort(ts, 3, 'UTC')")}, with the name of your column.`
  }
  return (
    `Say what it counts: ${instead('fromUnixTimestamp64Milli(toInt64(ts))')} for milliseconds, or ` +
    'trustedSql`toDateTime(ts)` for seconds, with the name of your column.'
  )
}
