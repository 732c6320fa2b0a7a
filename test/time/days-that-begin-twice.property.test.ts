import {
  diffExposuresSummaries,
  exposureWindow,
  summarizeExposures,
  type ExposuresSummary,
  type Granularity,
} from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import { afterAll, describe, expect, test } from 'vitest'
import { openEngineBucketStarts } from './engine-bucket-starts.js'

const engine = await openEngineBucketStarts()
afterAll(async () => engine?.close())

describe.skipIf(engine === undefined)(
  'hours that are added up to days (on the embedded ClickHouse, chdb)',
  () => {
    // The clock is set back from a minute after midnight: the last hour before the change has the date of the next day.
    test.each([
      ['America/St_Johns', '2010-11-07T00:00:00Z', '2010-11-08T12:00:00Z'],
      ['America/Goose_Bay', '2010-11-07T00:00:00Z', '2010-11-08T12:00:00Z'],
      ['America/Moncton', '2005-10-29T12:00:00Z', '2005-10-31T12:00:00Z'],
      ['Antarctica/Casey', '2010-03-04T06:00:00Z', '2010-03-06T06:00:00Z'],
    ])('hours of %s are in the engine’s day when the date begins twice', async (timeZone, start, asOf) => {
      const { points } = exposuresView(summarizeExposures([], { granularity: 'hour', timeZone }), {
        window: exposureWindow(start, asOf),
        fillGaps: true,
      })
      const hours = points.map((point) => Date.parse(point.start))
      const days = (await engine?.of(hours, 'day', timeZone)) ?? []
      const summaryOf = (buckets: readonly number[], granularity: Granularity): ExposuresSummary =>
        summarizeExposures(
          buckets.map((bucketMs) => ({ quarantined: false, variant: 'control', bucketMs, newIdentities: 1 })),
          { granularity, timeZone },
        )
      expect(new Set(days).size).toBeGreaterThan(1)
      expect(diffExposuresSummaries(summaryOf(hours, 'hour'), summaryOf(days, 'day')).points).toEqual([])
    })
  },
)
