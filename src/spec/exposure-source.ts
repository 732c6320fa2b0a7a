import { deepFreeze } from '../freeze.js'
import { invalidSpec } from './invalid-spec.js'

/** Where the exposures are: one table, and which of its columns says what. Made by {@link flagsmithEvents} or by `exposureSpec`. */
export interface ExposureSource {
  readonly table: {
    /** `null` for the connection's own database. */
    readonly database: string | null
    readonly table: string
  }
  readonly columns: {
    /** The environment's key; `null` where the table holds one environment. */
    readonly environment: string | null
    /** The feature or experiment. */
    readonly feature: string
    /** The kind of event; `null` where every row is an exposure. */
    readonly event: string | null
    /** `DateTime` or `DateTime64`, of any precision, with or without a zone. */
    readonly timestamp: string
    /** `String`, `FixedString`, `UUID` or an integer, `LowCardinality` and `Nullable` or not. */
    readonly identity: string
    /** `String`, `FixedString` or an `Enum`, `LowCardinality` and `Nullable` or not. */
    readonly variant: string
  }
}

/** A table and, where they differ from the default, the names of its columns. */
export interface ExposureSourceInput {
  /** A table of the connection's own database, or of a named one. */
  readonly table: string | { readonly database?: string | null; readonly table: string }
  /** A column left out keeps its default name; `null` says that the table has none. */
  readonly columns?: {
    readonly environment?: string | null
    readonly feature?: string
    readonly event?: string | null
    readonly timestamp?: string
    readonly identity?: string
    readonly variant?: string
  }
}

const flagsmithColumns: ExposureSource['columns'] = Object.freeze({
  environment: 'environment_key',
  feature: 'feature_name',
  event: 'event',
  timestamp: 'timestamp',
  identity: 'identifier',
  variant: 'value',
})

/**
 * The default source: the `events` table in the layout that Flagsmith publishes.
 *
 * Columns `environment_key`, `event`, `feature_name`, `timestamp`, `identifier` (the identity) and `value`
 * (the variant).
 *
 * @example
 * ```ts
 * import { exposureSpec, flagsmithEvents } from 'first-exposure'
 *
 * const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
 * spec.source // => flagsmithEvents()
 * ```
 */
export function flagsmithEvents(): ExposureSource {
  return exposureSource({ table: 'events' })
}

/** Completes and checks a source. Throws `invalid-spec`, naming the field. */
export function exposureSource(input: ExposureSourceInput): ExposureSource {
  if (typeof input !== 'object' || input === null) {
    throw invalidSpec('source', input, 'Pass { table, columns } or flagsmithEvents().')
  }
  const table = typeof input.table === 'string' ? { table: input.table } : input.table
  if (typeof table !== 'object' || table === null) {
    throw invalidSpec('source.table', input.table, "Pass 'events' or { database, table }.")
  }
  const columns: Partial<ExposureSource['columns']> = input.columns ?? {}
  for (const name of Object.keys(columns)) {
    if (!Object.hasOwn(flagsmithColumns, name)) {
      throw invalidSpec(
        `source.columns.${name}`,
        columns[name as keyof typeof columns],
        `A source has the columns ${Object.keys(flagsmithColumns).join(', ')}.`,
      )
    }
  }
  const column = (name: keyof ExposureSource['columns']): string =>
    identifier(columns[name] === undefined ? flagsmithColumns[name] : columns[name], `source.columns.${name}`)
  return deepFreeze({
    table: {
      database: table.database == null ? null : identifier(table.database, 'source.table.database'),
      table: identifier(table.table, 'source.table.table'),
    },
    columns: {
      environment: columns.environment === null ? null : column('environment'),
      feature: column('feature'),
      event: columns.event === null ? null : column('event'),
      timestamp: column('timestamp'),
      identity: column('identity'),
      variant: column('variant'),
    },
  })
}

function identifier(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed()) {
    throw invalidSpec(field, value, 'Pass a name that is not empty and is well-formed Unicode.')
  }
  return value
}
