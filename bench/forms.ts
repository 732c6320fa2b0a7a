import {
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  inlineParameters,
  type ExposureSpecInput,
} from 'first-exposure'
import type { FetchExposuresOptions } from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema, type RollupSchema, type RollupStatement } from 'first-exposure/rollup'
import { shapeWindow, windowOfDays } from './shape.js'

/** One form of the query: a statement written here, or the library's own with these options. */
export interface Form {
  readonly name: string
  readonly asks:
    | { readonly statement: string; readonly gives: 'buckets' | 'rows' | 'nothing' }
    | {
        readonly spec: Partial<ExposureSpecInput>
        readonly options?: Pick<FetchExposuresOptions, 'partitions' | 'settings'>
      }
    | { readonly ledger: true }
  /** What it answers: forms that answer the same must agree. `false` if it is not compared. */
  readonly agrees: 'summary' | 'who' | 'metric' | false
  /** What to do once, after the table is filled and before anything is measured, such as a pre-aggregation. */
  readonly prepare?: readonly RollupStatement[]
  /** The days of the window. Default 14. */
  readonly days?: number
}

const where = `environment_key = 'prod' AND event = '$flag_exposure' AND feature_name = 'checkout'
  AND timestamp >= {start:DateTime64(3, 'UTC')} AND timestamp < {as_of:DateTime64(3, 'UTC')}`
const counting = (what: string): Form['asks'] => ({
  statement: `SELECT count() FROM (SELECT ${what} AS key FROM {table:Identifier} WHERE ${where} AND identifier != '' GROUP BY key)`,
  gives: 'nothing',
})

const readColumns: Form = {
  name: 'reading the columns',
  asks: {
    statement: `SELECT sum(length(identifier)), sum(length(value)), max(timestamp) FROM {table:Identifier} WHERE ${where}`,
    gives: 'nothing',
  },
  agrees: false,
}

const countDistinct: Form = {
  name: 'count(DISTINCT identifier)',
  asks: {
    statement: `SELECT count(DISTINCT identifier) FROM {table:Identifier} WHERE ${where} AND identifier != ''`,
    gives: 'nothing',
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
    gives: 'buckets',
  },
  agrees: 'summary',
}

export const byHash: Form = { name: 'first-exposure', asks: { spec: {} }, agrees: 'summary' }

export const exact: Form = {
  name: 'first-exposure, exact',
  asks: { spec: { identityKey: 'exact' } },
  agrees: 'summary',
}

export const firstSeen: Form = {
  name: 'first-exposure, first-seen',
  asks: { spec: { multiVariant: 'first-seen' } },
  agrees: false,
}

export const ledger: Form = { name: 'first-exposure, ledger', asks: { ledger: true }, agrees: false }

const minuteMs = 60_000

/** What the view of a rollup would have added of the events from one instant to another, as one batch. */
function batch({ create }: RollupSchema, table: string, fromMs: number, toMs: number): RollupStatement {
  const [, view] = create
  if (view === undefined) throw new Error('The schema has no view.')
  const [, select = ''] = view.query.replace(/\nSETTINGS .*$/, '').split(/^AS /m)
  const edge = (ms: number): string => `fromUnixTimestamp64Milli(toInt64(${ms}))`
  return {
    query: `INSERT INTO ${table} (environment, event, feature, identity, first_exposures, least_instant)
      ${select.replace('WHERE', `WHERE timestamp >= ${edge(fromMs)} AND timestamp < ${edge(toMs)} AND`)}
      SETTINGS max_memory_usage = 0`,
    query_params: view.query_params,
  }
}

/**
 * The rollup in its steady state. A batch comes every ten minutes. The table merges parts that are an hour old, and a
 * merged part becomes old again, so the batches of up to two hours are outside the largest part: 12 just before a merge,
 * and 6 just after. They are inserted one by one, and the table merges some of them by itself. What came before is
 * inserted day by day, and merged.
 */
export function onRollup(days = 14, moment: 'before' | 'after' = 'before'): Form {
  const { startMs, asOfMs } = windowOfDays(days)
  const batches = { before: 12, after: 6 }[moment]
  const table = `exposures_${moment}_merge`
  const rollup = rollupSchema({ source: flagsmithEvents(), rollup: table })
  const lastMs = asOfMs - batches * 10 * minuteMs
  const day = 1440 * minuteMs
  return {
    name: `first-exposure on a rollup, ${moment} a merge`,
    asks: { spec: { source: rolledUp(flagsmithEvents(), table) } },
    agrees: 'summary',
    days,
    prepare: [
      ...rollup.drop,
      ...rollup.create.slice(0, 1),
      ...Array.from({ length: days }, (_, index) =>
        batch(rollup, table, startMs + index * day, Math.min(lastMs, startMs + (index + 1) * day)),
      ),
      { query: `OPTIMIZE TABLE ${table} FINAL`, query_params: {} },
      ...Array.from({ length: batches }, (_, index) =>
        batch(rollup, table, lastMs + index * 10 * minuteMs, lastMs + (index + 1) * 10 * minuteMs),
      ),
    ],
  }
}

export const inParts = (partitions: number): Form => ({
  name: `first-exposure, ${partitions} partitions`,
  asks: { spec: {}, options: { partitions } },
  agrees: 'summary',
})

export const spilling = (bytes: number): Form => ({
  name: `first-exposure, spilling beyond ${Math.round(bytes / 2 ** 20)} MiB`,
  asks: { spec: {}, options: { settings: { max_bytes_before_external_group_by: String(bytes) } } },
  agrees: 'summary',
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
  onRollup(),
]

// The rows themselves, as a count and a checksum, so that sending and reading five million of them hides nothing.
export const checksum = (rows: string): Form['asks'] => ({
  statement: `SELECT count(), toString(sum(cityHash64(identity, ifNull(variant, ''), quarantined, toUnixTimestamp64Milli(first_exposure)))) AS checksum FROM (${rows})`,
  gives: 'rows',
})

const whoByHandRows = `SELECT
    identifier AS identity,
    if(uniqExact(value) > 1, '', any(value)) AS variant,
    uniqExact(value) > 1 AS quarantined,
    min(timestamp) AS first_exposure
  FROM events
  WHERE ${where} AND identifier != ''
  GROUP BY identifier`

export const whoRows = (spec: Partial<ExposureSpecInput> = {}): string =>
  inlineParameters(
    exposedIdentitiesQuery(
      exposureSpec({ environmentKey: 'prod', featureName: 'checkout', ...spec }),
      exposureWindow(shapeWindow.startMs, shapeWindow.asOfMs),
    ),
  )

/** The relation that most teams write by hand. */
export const whoByHand: Form = { name: 'who, by hand', asks: checksum(whoByHandRows), agrees: 'who' }

const who: Form = { name: 'exposedIdentitiesQuery', asks: checksum(whoRows()), agrees: 'who' }

const whoFirstSeen: Form = {
  name: 'exposedIdentitiesQuery, first-seen',
  asks: checksum(whoRows({ multiVariant: 'first-seen' })),
  agrees: false,
}

// What Flagsmith's results are made of: by identity, what it did since its first exposure; by variant, n, sum and sum of
// squares. Whole cents, so that the order of additions does not show.
const metricOf = (exposed: string): Form['asks'] => ({
  statement: `SELECT arm, count() AS n, sum(conversions) AS converted, sum(cents) AS total, sum(cents * cents) AS squares
    FROM (
      SELECT
        any(e.variant) AS arm,
        countIf(m.timestamp >= e.first_exposure) AS conversions,
        sumIf(m.cents, m.timestamp >= e.first_exposure) AS cents
      FROM ${exposed} AS e
      LEFT JOIN metrics AS m ON m.identifier = e.identity
      WHERE NOT e.quarantined
      GROUP BY e.identity
    )
    GROUP BY arm
    ORDER BY arm`,
  gives: 'rows',
})

/** The statements that need a table of who, and what they are compared with. */
export const makingWho: Form = {
  name: 'making a table of who',
  asks: {
    statement: `CREATE OR REPLACE TABLE made_who ENGINE = MergeTree ORDER BY identity AS ${whoRows()}`,
    gives: 'nothing',
  },
  agrees: false,
}

export const metricOnTable: Form = {
  name: 'metric join, onto a ready table of who',
  asks: metricOf('ready_who'),
  agrees: 'metric',
  prepare: [
    {
      // One metric event for twenty exposures, at any time of the window.
      query: `CREATE OR REPLACE TABLE metrics ENGINE = MergeTree ORDER BY (timestamp, identifier) AS
        SELECT
          identifier,
          fromUnixTimestamp64Milli(toInt64(${shapeWindow.startMs} + cityHash64(events.timestamp, identifier, 'when') % ${shapeWindow.asOfMs - shapeWindow.startMs})) AS timestamp,
          cityHash64(events.timestamp, identifier, 'cents') % 10000 AS cents
        FROM events
        WHERE cityHash64(events.timestamp, identifier, 'metric') % 20 = 0`,
      query_params: {},
    },
    {
      query: `CREATE OR REPLACE TABLE ready_who ENGINE = MergeTree ORDER BY identity AS ${whoRows()}`,
      query_params: {},
    },
  ],
}

export const metricOnWho: Form = {
  name: 'metric join, onto exposedIdentitiesQuery',
  asks: metricOf(`(${whoRows()})`),
  agrees: 'metric',
}

const metricByHand: Form = {
  name: 'metric join, onto who by hand',
  asks: metricOf(`(${whoByHandRows})`),
  agrees: 'metric',
}

/** Who, and a metric joined to it. */
export const whoForms: readonly Form[] = [
  countIdentifiers,
  whoByHand,
  who,
  whoFirstSeen,
  makingWho,
  metricOnTable,
  metricOnWho,
  metricByHand,
]
