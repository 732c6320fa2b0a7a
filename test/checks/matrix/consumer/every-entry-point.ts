// What every consumer of the matrix does: a real call to each entry point, in code that any host may write.
import {
  exposureSpec,
  exposureWindow,
  initialRefreshState,
  isExposureError,
  reduceRefresh,
  selectGranularity,
  summarizeExposures,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { writeFlagsmithExposures } from 'first-exposure/flagsmith'
import { exposuresAnswer, mountPanel, panelPage } from 'first-exposure/panel'
import { rollupSchema } from 'first-exposure/rollup'
import { sampleRatio } from 'first-exposure/statistics'
import { sqliteRefreshStore } from 'first-exposure/stores'
import { exposuresView, formatBucket } from 'first-exposure/view'

const startedAt = Date.UTC(2026, 9, 24)
const window = exposureWindow(startedAt, '2026-10-30T00:00:00Z')
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', timeZone: 'Europe/Madrid' })
const row = { quarantined: 0, variant: 'control', bucket: '2026-10-24 22:00:00', new_identities: 7 }
const client = { query: async () => ({ json: async () => [row] }) }

// Where the types of the package are not found, they are `any`, and what must be refused is not.
// @ts-expect-error a granularity is no number
export const refused: number = selectGranularity(window)
// @ts-expect-error a summary has no such field
export type Refused = Awaited<ReturnType<typeof fetchExposuresSummary>>['identities']

async function answers(): Promise<unknown> {
  const { signal } = new AbortController()
  const summary = await fetchExposuresSummary(client, spec, window, { partitions: 2, signal })
  const inUtc = summarizeExposures([], { granularity: 'day' })
  const state = reduceRefresh(initialRefreshState, {
    type: 'succeeded',
    asOf: window.asOfMs,
    at: window.asOfMs,
    summary: inUtc,
  })
  return {
    granularity: selectGranularity(window),
    counted: summary.timeseries.points,
    // The day on which the clocks go back.
    shown: exposuresView(summary).points.map((point) => [point.start, point.end, formatBucket(point)]),
    split: sampleRatio({ control: 3123, treatment: 6877 }, { control: 1, treatment: 1 }).status,
    rollup: rollupSchema({ source: spec.source, rollup: 'exposures_by_identity' }).create.length,
    stored: writeFlagsmithExposures(state, { startedAt, endedAt: null }).as_of,
    kept: await sqliteRefreshStore({
      prepare: () => ({ get: () => undefined, run: () => ({ changes: 1 }) }),
    }).load('checkout'),
    page: panelPage(
      exposuresAnswer({ state, experiment: { startedAt, endedAt: null }, spec, now: window.asOfMs }),
    ).slice(0, 15),
    panel: mountPanel.length,
    refusal: refusalOf(() => exposureWindow(2, 1)),
  }
}

function refusalOf(call: () => unknown): string {
  try {
    call()
    return 'none'
  } catch (error) {
    return isExposureError(error) ? error.code : String(error)
  }
}

void answers().then((all) => console.log(JSON.stringify(all)))
