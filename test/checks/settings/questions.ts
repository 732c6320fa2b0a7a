import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow } from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  fetchOverlap,
  type FetchRowsOptions,
} from 'first-exposure/clickhouse'

const spec = exposureSpec({
  environmentKey: 'prod',
  featureName: 'checkout',
  breakdown: { column: 'sdk_language', top: 2 },
})
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

type Settings = NonNullable<FetchRowsOptions['settings']>

/** Every question about one small experiment, asked under some settings. */
export const questions: Readonly<
  Record<string, (client: ClickHouseClient, settings: Settings) => Promise<unknown>>
> = {
  summary: (client, settings) => fetchExposuresSummary(client, spec, window, { settings }),
  'summary, first-seen': (client, settings) =>
    fetchExposuresSummary(client, exposureSpec({ ...spec, multiVariant: 'first-seen' }), window, {
      settings,
    }),
  breakdown: (client, settings) => fetchExposuresBreakdown(client, spec, window, { settings }),
  crossovers: (client, settings) => fetchCrossovers(client, spec, window, { settings }),
  ledger: (client, settings) => fetchExposureLedger(client, spec, window, { settings }),
  overlap: (client, settings) =>
    fetchOverlap(client, spec, exposureSpec({ ...spec, featureName: 'search' }), window, { settings }),
  timeline: (client, settings) => fetchIdentityTimeline(client, spec, window, 'u7', { settings }),
}

/** An experiment of a few hundred identities in several parts of the table, with everything that a question tells apart. */
export async function makeEvents(client: ClickHouseClient): Promise<void> {
  await client.command({
    query: `CREATE TABLE events
      (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3), collected_at DateTime64(3), identifier String, value Nullable(String),
        sdk_language LowCardinality(String)
      )
      ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp)
      ORDER BY (environment_key, event, feature_name, timestamp, identifier)
      SETTINGS index_granularity = 64`,
  })
  for (const part of [0, 1, 2]) {
    await client.command({
      query: `INSERT INTO events
        SELECT
          'prod', '$flag_exposure', if(number % 7 = 0, 'search', 'checkout'),
          toDateTime64('2026-05-31 12:00:00', 3, 'UTC') + toIntervalSecond(number * 2003 + ${part}) AS at,
          at + toIntervalSecond(number % 90000),
          if(number % 41 = 0, '', concat('u', toString(number % 300))),
          if(number % 37 = 0, NULL, ['control', 'one-page', 'two-page'][1 + (number % 300 + (number % 29 = 0)) % 3]),
          ['js', 'python', 'go', 'ruby'][1 + number % 4]
        FROM numbers(${part * 300}, 300)`,
    })
  }
}
