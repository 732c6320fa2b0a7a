import type { ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import { selectGranularity } from '../spec/select-granularity.js'
import type { QueryParams } from './bound-sql.js'
import { filterPredicates } from './filter-predicates.js'
import { isIdentity } from './is-identity.js'
import { ownNames } from './own-names.js'
import { quoteTable } from './quote-table.js'
import { sourceColumns, type SourceColumns } from './source-columns.js'

/** A spec and a window as pieces of SQL: what every statement that reads the events is put together from. */
export interface ExposureScan {
  /** The table, or the cluster's tables, as they stand after FROM. */
  readonly from: string
  readonly columns: SourceColumns['sql']
  /** What an event of the experiment meets, on bare columns; the experiment's keys are bound. */
  readonly ofExperiment: readonly string[]
  /** What an event of the window meets: not before its start, and before its end. */
  readonly inWindow: readonly [string, string]
  /** What an event with a variant meets. */
  readonly hasVariant: string
  /** What an event of somebody meets. */
  readonly hasIdentity: string
  /** What an event that no filter keeps out meets. */
  readonly filters: readonly string[]
  /** All of these but the identity: what an event in some variant meets. */
  readonly predicates: readonly string[]
  /** The variant's key as text. */
  readonly variantKey: string
  /** What identities are told apart by. */
  readonly identityGroup: string
  readonly startOfBucket: 'toStartOfHour' | 'toStartOfDay'
  /** A name of our own that is none of the caller's. */
  readonly own: (name: string) => string
  /** What all of these are bound to. */
  readonly query_params: QueryParams
}

/** The pieces of SQL for a complete spec and a checked window. */
export function exposureScan(spec: ExposureSpec, { startMs, asOfMs }: ExposureWindow): ExposureScan {
  const { environmentKey, eventName, featureName, identityKey, source } = spec
  const { sql: columns, query_params: ofColumns } = sourceColumns(source.columns)
  const filters = filterPredicates(spec.filters)
  const ofExperiment = [
    ...(columns.environment === null ? [] : [`${columns.environment} = {environment_key:String}`]),
    ...(columns.event === null ? [] : [`${columns.event} = {event_name:String}`]),
    `${columns.feature} = {feature_name:String}`,
  ]
  const inWindow = [
    `${columns.timestamp} >= fromUnixTimestamp64Milli({start_ms:Int64})`,
    `${columns.timestamp} < fromUnixTimestamp64Milli({as_of_ms:Int64})`,
  ] as const
  const hasVariant = `${columns.variant} IS NOT NULL`
  return {
    from: scanned(source.table, source.cluster),
    columns,
    ofExperiment,
    inWindow,
    hasVariant,
    hasIdentity: isIdentity(columns.identity),
    filters: filters.predicates,
    predicates: [...ofExperiment, ...inWindow, hasVariant, ...filters.predicates],
    variantKey: `toString(${columns.variant})`,
    identityGroup: identityGroups[identityKey](columns.identity),
    startOfBucket: selectGranularity({ startMs, asOfMs }) === 'hour' ? 'toStartOfHour' : 'toStartOfDay',
    own: ownNames(spec),
    query_params: {
      ...(environmentKey === null ? {} : { environment_key: environmentKey }),
      ...(eventName === null ? {} : { event_name: eventName }),
      feature_name: featureName,
      start_ms: startMs,
      as_of_ms: asOfMs,
      ...ofColumns,
      ...filters.query_params,
      ...(source.cluster === null ? {} : { cluster: source.cluster }),
    },
  }
}

/** A table as it stands after FROM: by itself, or on every shard of a cluster. */
export function scanned(table: ExposureSpec['source']['table'], cluster: string | null): string {
  return cluster === null ? quoteTable(table) : `cluster({cluster:String}, ${quoteTable(table)})`
}

// The hash as a number takes less in a table of groups than as 16 bytes of text.
const identityGroups: Readonly<Record<ExposureSpec['identityKey'], (identity: string) => string>> = {
  hash: (identity) => asNumber(`murmurHash3_128(assumeNotNull(${identity}))`),
  exact: (identity) => `assumeNotNull(${identity})`,
}

/** A 128-bit hash as a number. */
export function asNumber(hash: string): string {
  return `reinterpretAsUInt128(${hash})`
}
