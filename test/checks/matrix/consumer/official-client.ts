// A host with an official client, and a server whose address is its argument. The Web client is put in the Node
// client's place where that is what is tried.
import { createClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, initialRefreshState } from 'first-exposure'
import { fetchExposuresSummary, refreshExposures } from 'first-exposure/clickhouse'

const [url = '', database = ''] = process.argv.slice(2)
const client = createClient({ url, database })
const startedAt = Date.UTC(2026, 5, 1)
const window = exposureWindow(startedAt, '2026-06-01T12:00:00.001Z')
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })

const whole = await fetchExposuresSummary(client, spec, window, { queryId: `whole-${database}` })
const inParts = await fetchExposuresSummary(client, spec, window, {
  partitions: 3,
  concurrency: 2,
  signal: AbortSignal.timeout(60_000),
  settings: { max_threads: 1 },
})
const experiment = { startedAt, endedAt: null }
const refresh = { client, experiment, state: initialRefreshState, now: window.asOfMs }
const refreshed = await refreshExposures({ ...refresh, spec })
const failed = await refreshExposures({
  ...refresh,
  spec: { ...spec, source: { ...spec.source, table: { database, table: 'none' } } },
})
const stopped = await refreshExposures({ ...refresh, spec, signal: AbortSignal.abort() })
await client.close()

console.log(
  JSON.stringify({
    whole,
    inParts,
    refreshed: refreshed.outcome.type,
    failed: failed.state.failure?.error.code,
    stopped: stopped.outcome.type,
  }),
)
