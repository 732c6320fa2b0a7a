import {
  decodeRefreshState,
  diffExposuresSummaries,
  encodeRefreshState,
  initialRefreshState,
  mergeExposuresSummaries,
  reduceRefresh,
  summarizeExposures,
  type ExposuresSummary,
} from 'first-exposure'
import { readFlagsmithExposures } from 'first-exposure/flagsmith'
import { exposuresView } from 'first-exposure/view'
import { describe, expect, test } from 'vitest'

const june = Date.UTC(2026, 5, 1)
const counted = summarizeExposures(
  [{ quarantined: false, variant: 'control', bucketMs: june, newIdentities: 7 }],
  { granularity: 'day' },
)
const { timeseries } = counted
const [point] = timeseries.points
const empty = { bucket: '2026-06-02T00:00:00.000Z', newIdentities: {} }
const zeros = { bucket: '2026-06-03T00:00:00.000Z', newIdentities: { control: 0, test: 0 } }
/** The same summary, as another program may store it. */
const withZeros: ExposuresSummary = {
  excludedIdentities: 0,
  timeseries: {
    ...timeseries,
    points: [
      { bucket: point?.bucket ?? '', newIdentities: { test: 0, ...point?.newIdentities } },
      empty,
      zeros,
    ],
  },
}

describe('counts of 0', () => {
  const stateOf = (summary: ExposuresSummary) =>
    reduceRefresh(initialRefreshState, { type: 'succeeded', asOf: june, at: june, summary })

  test.each<[what: string, read: (summary: ExposuresSummary) => unknown]>([
    ['a merge', (summary) => mergeExposuresSummaries(summary)],
    ['a difference from it', (summary) => diffExposuresSummaries(summary, counted)],
    ['a difference to it', (summary) => diffExposuresSummaries(counted, summary)],
    ['a view', (summary) => exposuresView(summary)],
    ['a state that is stored', (summary) => encodeRefreshState(stateOf(summary))],
    [
      'a state that was stored',
      (summary) => decodeRefreshState(JSON.stringify({ version: 1, ...stateOf(summary) })),
    ],
    [
      'Flagsmith’s row',
      ({ timeseries: { points } }) =>
        readFlagsmithExposures(
          {
            as_of: '2026-06-15T00:00:00Z',
            last_error_at: null,
            refresh_requested_at: null,
            payload: {
              excluded_identities: 0,
              timeseries: {
                granularity: 'day',
                points: points.map(({ bucket, newIdentities }) => ({
                  bucket: bucket.replace('.000Z', '+00:00'),
                  new_identities: newIdentities,
                })),
              },
            },
          },
          { startedAt: june, endedAt: null },
        ),
    ],
  ])('change nothing in %s', (_, read) => {
    expect(read(withZeros)).toStrictEqual(read(counted))
  })
})
