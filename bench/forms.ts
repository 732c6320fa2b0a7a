import { flagsmithEvents, type ExposureSpecInput } from 'first-exposure'
import type { FetchExposuresOptions } from 'first-exposure/clickhouse'
import { rolledUp, rollupBackfill, rollupSchema, type RollupStatement } from 'first-exposure/rollup'
import { shapeWindow } from './shape.js'

/** One form of the query: a statement written here, or the library's own with these options. */
export interface Form {
  readonly name: string
  readonly asks:
    | { readonly statement: string; readonly givesBuckets: boolean }
    | {
        readonly spec: Partial<ExposureSpecInput>
        readonly options?: Pick<FetchExposuresOptions, 'partitions' | 'settings'>
      }
    | { readonly ledger: true }
  /** Whether its summary must equal that of the form by hand. */
  readonly agrees: boolean
  /** What to do once, after the table is filled and before anything is measured, such as a pre-aggregation. */
  readonly prepare?: readonly RollupStatement[]
}

const where = `environment_key = 'prod' AND event = '$flag_exposure' AND feature_name = 'checkout'
  AND timestamp >= {start:DateTime64(3, 'UTC')} AND timestamp < {as_of:DateTime64(3, 'UTC')}`
const counting = (what: string): Form['asks'] => ({
  statement: `SELECT count() FROM (SELECT ${what} AS key FROM {table:Identifier} WHERE ${where} AND identifier != '' GROUP BY key)`,
  givesBuckets: false,
})

const readColumns: Form = {
  name: 'reading the columns',
  asks: {
    statement: `SELECT sum(length(identifier)), sum(length(value)), max(timestamp) FROM {table:Identifier} WHERE ${where}`,
    givesBuckets: false,
  },
  agrees: false,
}

const countDistinct: Form = {
  name: 'count(DISTINCT identifier)',
  asks: {
    statement: `SELECT count(DISTINCT identifier) FROM {table:Identifier} WHERE ${where} AND identifier != ''`,
    givesBuckets: false,
  },
  agrees: false,
}

export const countIdentifiers: Form = {
  name: 'counting groups by identifier',
  asks: counting('identifier'),
  agrees: false,
}

export const countHashes: Form = {
  name: 'counting groups by the same hash',
  asks: counting('reinterpretAsUInt128(murmurHash3_128(identifier))'),
  agrees: false,
}

/** The query that most teams write by hand. */
export const handWritten: Form = {
  name: 'by hand',
  asks: {
    statement: `SELECT
        in_many AS quarantined,
        if(in_many, NULL, only_variant) AS variant,
        toStartOfDay(first_exposed, 'UTC') AS bucket,
        count() AS new_identities
      FROM (
        SELECT uniqExact(value) > 1 AS in_many, any(value) AS only_variant, min(timestamp) AS first_exposed
        FROM {table:Identifier}
        WHERE ${where} AND identifier != ''
        GROUP BY identifier
      )
      GROUP BY quarantined, variant, bucket`,
    givesBuckets: true,
  },
  agrees: true,
}

export const byHash: Form = { name: 'first-exposure', asks: { spec: {} }, agrees: true }

export const exact: Form = {
  name: 'first-exposure, exact',
  asks: { spec: { identityKey: 'exact' } },
  agrees: true,
}

export const firstSeen: Form = {
  name: 'first-exposure, first-seen',
  asks: { spec: { multiVariant: 'first-seen' } },
  agrees: false,
}

export const ledger: Form = { name: 'first-exposure, ledger', asks: { ledger: true }, agrees: false }

const rollup = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_day' })

/** The rollup is filled day by day, instead of by its view at each insert. */
export const onRollup: Form = {
  name: 'first-exposure on a rollup',
  asks: { spec: { source: rolledUp(flagsmithEvents(), 'exposures_by_day') } },
  agrees: true,
  prepare: [
    ...rollup.drop,
    ...rollup.create.slice(0, 1),
    ...rollupBackfill(
      rollup,
      Array.from({ length: 14 }, (_, day) =>
        new Date(shapeWindow.startMs + day * 86_400_000).toISOString().slice(0, 10),
      ),
    ),
    { query: 'OPTIMIZE TABLE exposures_by_day FINAL', query_params: {} },
  ],
}

export const inParts = (partitions: number): Form => ({
  name: `first-exposure, ${partitions} partitions`,
  asks: { spec: {}, options: { partitions } },
  agrees: true,
})

export const spilling = (bytes: number): Form => ({
  name: `first-exposure, spilling beyond ${Math.round(bytes / 2 ** 20)} MiB`,
  asks: { spec: {}, options: { settings: { max_bytes_before_external_group_by: String(bytes) } } },
  agrees: true,
})

/** All that is compared, in the order of the table. */
export const forms: readonly Form[] = [
  readColumns,
  countDistinct,
  countIdentifiers,
  countHashes,
  handWritten,
  byHash,
  exact,
  firstSeen,
  ledger,
  onRollup,
]
