import { withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { exposureSpec, type ExposureSpec } from '../experiment/exposure-spec.js'
import { summarizeExposuresBreakdown, type ExposuresBreakdown } from '../questions/breakdown/answer.js'
import { exposuresBreakdownQuery } from '../questions/breakdown/statement.js'
import { summarizeCrossovers, type Crossovers } from '../questions/crossovers/answer.js'
import { crossoversQuery } from '../questions/crossovers/statement.js'
import { summarizeExposureLedger, type ExposureLedger } from '../questions/ledger/answer.js'
import { exposureLedgerQuery, type ExposureLedgerQueryOptions } from '../questions/ledger/statement.js'
import { summarizeIdentityTimeline, type IdentityTimeline } from '../questions/timeline/answer.js'
import { identityTimelineQuery, type IdentityTimelineQueryOptions } from '../questions/timeline/statement.js'
import type { ExposuresQuery } from '../sql/statement.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { selectGranularity } from '../time/granularity.js'
import { assertInWindow } from './assert-in-window.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound } from './too-many-buckets.js'

/** One kind of question about a spec and a window, answered by one statement. */
interface Question<Options extends FetchRowsOptions, Answer> {
  /** The options that it takes in addition to those of every question. */
  readonly options: readonly (keyof Options & string)[]
  readonly statement: (spec: ExposureSpec, window: ExposureWindow, options: Options) => ExposuresQuery
  /** What one row of the answer is. */
  readonly eachRow: string
  /** The most rows that the answer may have, if that is not the spec's `maxRows`. */
  readonly mostRows?: (spec: ExposureSpec, options: Options) => number
  readonly answer: (
    rows: readonly unknown[],
    spec: ExposureSpec,
    window: ExposureWindow,
    options: Options,
  ) => Answer
  /** The buckets of the answer; each must overlap the window. */
  readonly buckets?: (answer: Answer) => readonly { readonly bucket: string }[]
}

async function fetchAnswer<Options extends FetchRowsOptions, Answer>(
  question: Question<Options, Answer>,
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: Options,
): Promise<Answer> {
  withFields(options, [...fetchRowsOptions, ...question.options], 'options', invalidSpec)
  const complete = exposureSpec(spec)
  const rows = await fetchRows(client, question.statement(complete, window, options), options)
  assertRowBound(rows, complete.maxRows, question.eachRow, question.mostRows?.(complete, options))
  const answer = question.answer(rows, complete, window, options)
  for (const { bucket } of question.buckets?.(answer) ?? []) assertInWindow(Date.parse(bucket), window)
  return answer
}

/** What the ledger reports, and how ClickHouse is asked. */
export interface FetchExposureLedgerOptions extends FetchRowsOptions, ExposureLedgerQueryOptions {
  /** The keys of the configured variants, so that the ledger can mark the others; default: not known. */
  readonly variants?: readonly string[]
}

const ledgerQuestion: Question<FetchExposureLedgerOptions, ExposureLedger> = {
  options: ['variants', 'latenessMs'],
  statement: (spec, window, { latenessMs = 0 }) => exposureLedgerQuery(spec, window, { latenessMs }),
  eachRow: 'entries × variants',
  answer: (rows, _spec, _window, { variants }) =>
    summarizeExposureLedger(rows, variants === undefined ? {} : { variants }),
}

/**
 * Where did the events go? Asks ClickHouse in one query and accounts for every event of the experiment.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param options.variants - the keys of the configured variants
 * @param options.latenessMs - how long after its bucket has closed an exposure may arrive without being late, in
 *   whole milliseconds from 0; default 0
 * @param options.signal - ends the wait
 * @returns the frozen ledger; the events of its parts add up to `scanned`, and its identities equal those of the
 *   summary
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` where the answer has more than `spec.maxRows` rows (it is never cut), `malformed-rows`,
 *   and `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchExposureLedger } from 'first-exposure/clickhouse'
 *
 * const row = { entry: 'no-variant', variant: null, events: 3, identities: 0, lateness_seconds: [] }
 * const client = { query: async () => ({ json: async () => [row] }) }
 * const ledger = await fetchExposureLedger(
 *   client,
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   { variants: ['control', 'one-page'] },
 * )
 * ledger.scanned // => 3
 * ```
 */
export async function fetchExposureLedger(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FetchExposureLedgerOptions = {},
): Promise<ExposureLedger> {
  return await fetchAnswer(ledgerQuestion, client, spec, window, options)
}

/** How many events the timeline lists, and how ClickHouse is asked. */
export interface FetchIdentityTimelineOptions extends FetchRowsOptions, IdentityTimelineQueryOptions {}

function timelineQuestion(identity: string): Question<FetchIdentityTimelineOptions, IdentityTimeline> {
  return {
    options: ['limit'],
    statement: (spec, window, { limit = 100 }) => identityTimelineQuery(spec, window, identity, { limit }),
    eachRow: 'dispositions × variants',
    // The listed events are additional rows.
    mostRows: ({ maxRows }, { limit = 100 }) => maxRows + Math.min(limit, maxRows),
    answer: (rows, { multiVariant }) => summarizeIdentityTimeline(rows, { multiVariant }),
  }
}

/**
 * Why is this identity counted, or not? Asks ClickHouse in one query for its timeline and its verdict.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param identity - its identifier, as text even if the column is a `UUID` or an integer
 * @param options.limit - the most events to list, 1 to 10,000; default 100
 * @param options.signal - ends the wait
 * @returns the frozen timeline; its verdict says how `fetchExposuresSummary` treats the identity
 * @throws whatever the client throws, untouched, such as for text that cannot be a value of the column; the signal's
 *   reason after an abort; {@link ExposureError} `too-many-buckets` if the identity has been in more than
 *   `spec.maxRows` variants, `malformed-rows`, and `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchIdentityTimeline } from 'first-exposure/clickhouse'
 *
 * const event = { disposition: 'filtered', variant: 'control', at_ms: 1780272000000, events: 1 }
 * const client = { query: async () => ({ json: async () => [{ shown: 0, ...event }, { shown: 1, ...event }] }) }
 * const { verdict } = await fetchIdentityTimeline(
 *   client,
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 *   'user-17',
 * )
 * verdict // => { type: 'never-counted', because: 'filtered' }
 * ```
 */
export async function fetchIdentityTimeline(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  identity: string,
  options: FetchIdentityTimelineOptions = {},
): Promise<IdentityTimeline> {
  return await fetchAnswer(timelineQuestion(identity), client, spec, window, options)
}

const crossoversQuestion: Question<FetchRowsOptions, Crossovers> = {
  options: [],
  statement: crossoversQuery,
  eachRow: 'pairs of variants',
  answer: (rows, { timeZone }, window) =>
    summarizeCrossovers(rows, {
      granularity: selectGranularity(window),
      timeZone,
    }),
  buckets: ({ timeseries }) => timeseries.points,
}

/**
 * Who is in two variants, and since when? Asks ClickHouse in one query and returns the matrix of crossovers.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`; its `multiVariant` and `breakdown` have no effect
 * @param window - made by `exposureWindow`
 * @param options.signal - ends the wait
 * @param options.queryId - the query's id on the server
 * @param options.settings - ClickHouse settings; none is needed
 * @returns the frozen crossovers; `identities` is the number that the summary of the same spec excludes under
 *   `quarantine`
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` if there are more pairs of variants than `spec.maxRows`, `malformed-rows`, and `invalid-spec`,
 *   `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchCrossovers } from 'first-exposure/clickhouse'
 *
 * const row = {
 *   first_variant: 'control',
 *   next_variant: 'one-page',
 *   identities: 2,
 *   median_ms: 1500,
 *   buckets: ['2026-06-03 00:00:00'],
 *   bucket_identities: [2],
 * }
 * const { pairs } = await fetchCrossovers(
 *   { query: async () => ({ json: async () => [row] }) },
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * pairs[0]?.medianMs // => 1500
 * ```
 */
export async function fetchCrossovers(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FetchRowsOptions = {},
): Promise<Crossovers> {
  return await fetchAnswer(crossoversQuestion, client, spec, window, options)
}

const breakdownQuestion: Question<FetchRowsOptions, ExposuresBreakdown> = {
  options: [],
  statement: exposuresBreakdownQuery,
  eachRow: 'slices × variants × buckets',
  answer: (rows, { timeZone }, window) =>
    summarizeExposuresBreakdown(rows, {
      granularity: selectGranularity(window),
      timeZone,
    }),
  buckets: ({ slices, other }) =>
    [...slices.map(({ summary }) => summary), ...(other === null ? [] : [other])].flatMap(
      ({ timeseries }) => timeseries.points,
    ),
}

/**
 * Is one slice of the traffic broken? Asks ClickHouse in one query and returns the summary for each of the largest
 * values of the spec's breakdown, and for all others together.
 *
 * There are no partitions, because only all identities together show which values are the largest. If they do not fit
 * the server's memory, pass `settings: { max_bytes_before_external_group_by: … }`: the server then spills them to its
 * disk.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`, with a `breakdown`
 * @param window - made by `exposureWindow`
 * @param options.signal - ends the wait
 * @param options.queryId - the query's id on the server
 * @param options.settings - ClickHouse settings; none is needed
 * @returns the frozen breakdown, whose parts add up to what `fetchExposuresSummary` returns for the same spec
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` where the answer has more than `spec.maxRows` rows (it is never cut), `malformed-rows`, and
 *   `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchExposuresBreakdown } from 'first-exposure/clickhouse'
 *
 * const row = { other: 0, value: 'ES', quarantined: 0, variant: 'a', bucket: '2026-06-01 00:00:00', new_identities: 7 }
 * const { slices, other } = await fetchExposuresBreakdown(
 *   { query: async () => ({ json: async () => [row] }) },
 *   exposureSpec({ environmentKey: 'prod', featureName: 'checkout', breakdown: { column: 'country' } }),
 *   exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z'),
 * )
 * slices[0]?.value // => 'ES'
 * other // => null
 * ```
 */
export async function fetchExposuresBreakdown(
  client: ExposureClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  options: FetchRowsOptions = {},
): Promise<ExposuresBreakdown> {
  return await fetchAnswer(breakdownQuestion, client, spec, window, options)
}
