import { exposureLedgerQuery, type ExposureLedgerQueryOptions } from '../query/exposure-ledger-query.js'
import { assertOptions } from '../spec/assert-options.js'
import { exposureSpec, type ExposureSpec } from '../spec/exposure-spec.js'
import type { ExposureWindow } from '../spec/exposure-window.js'
import type { ExposureLedger } from '../summary/exposure-ledger.js'
import { summarizeLedger } from '../summary/summarize-ledger.js'
import type { ExposureClient } from './exposure-client.js'
import { fetchRows, fetchRowsOptions, type FetchRowsOptions } from './fetch-rows.js'
import { assertRowBound } from './too-many-buckets.js'

/** What the ledger is to say, and how the question is put to ClickHouse. */
export interface FetchExposureLedgerOptions extends FetchRowsOptions, ExposureLedgerQueryOptions {
  /** The keys of the variants that are configured, to have the others pointed out; default: not known. */
  readonly variants?: readonly string[]
}

/**
 * Where did the events go? Asks ClickHouse, in one query, and accounts for every event of the experiment.
 *
 * @param client - the host's own ClickHouse client; it stays open
 * @param spec - made by `exposureSpec`
 * @param window - made by `exposureWindow`
 * @param options.variants - the keys of the variants that are configured
 * @param options.latenessMs - how long after its bucket has closed an exposure may arrive without being late, in
 *   whole milliseconds from 0; default 0
 * @param options.signal - ends the wait
 * @returns the frozen ledger; the events of its parts add up to `scanned`, and its identities are those of the summary
 * @throws whatever the client throws, untouched; the signal's reason after an abort; {@link ExposureError}
 *   `too-many-buckets` where the answer has more than `spec.maxRows` rows (it is never cut), `malformed-rows`,
 *   and `invalid-spec`, `invalid-window` for misuse
 *
 * @example
 * ```ts
 * import { exposureSpec, exposureWindow } from 'first-exposure'
 * import { fetchExposureLedger } from 'first-exposure/clickhouse'
 *
 * const row = { disposition: 'no-variant', variant: null, events: 3, identities: 0, lateness_seconds: [] }
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
  assertOptions(options, [...fetchRowsOptions, 'variants', 'latenessMs'], 'options')
  const { variants, latenessMs = 0 } = options
  const { maxRows } = exposureSpec(spec)
  const rows = await fetchRows(client, exposureLedgerQuery(spec, window, { latenessMs }), options)
  assertRowBound(rows, maxRows, 'dispositions × variants')
  return summarizeLedger(rows, variants === undefined ? {} : { variants })
}
