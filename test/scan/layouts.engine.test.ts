import type { ClickHouseClient } from '@clickhouse/client'
import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  growthbookViews,
  postHogEvents,
  type ExposureSpecInput,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'
import { createPublishedTable } from '../engine/published-layouts.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-08T00:00:00Z')
const personOf = (n: number): string => `00000000-0000-0000-0000-00000000000${n}`

describe.skipIf(!engineAvailable)('ready-made sources, on the engine', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE published' })
    await client.command({ query: 'USE published' })
    await createPublishedTable(client, 'growthbook-experiment-views', 'experiment_views')
    await createPublishedTable(client, 'posthog-events', 'posthog_events')
    await createPublishedTable(client, 'posthog-materialized-columns', 'posthog_events')
  })
  afterAll(async () => {
    await client.close()
  })

  /** What was counted on 1 June, where everything happens, and the excluded. */
  async function counts(
    spec: ExposureSpecInput,
    settings: Record<string, number> = {},
  ): Promise<[newIdentities: Readonly<Record<string, number>> | undefined, excluded: number]> {
    const summary = await fetchExposuresSummary(client, exposureSpec(spec), window, { settings })
    return [summary.timeseries.points[0]?.newIdentities, summary.excludedIdentities]
  }

  describe('PostHog', () => {
    // What a flag's response can be, one person each: 1 to 6, and 7 and 8 with the property absent and not JSON at all.
    const responses = ['control', 'b', true, false, '', null]
    const properties = [
      ...responses.map((response) =>
        JSON.stringify({ $feature_flag: 'checkout', $feature_flag_response: response }),
      ),
      JSON.stringify({ $feature_flag: 'checkout' }),
      '',
    ]
    const row = (n: number, json: string): object => ({
      uuid: personOf(n),
      event: '$feature_flag_called',
      properties: json,
      timestamp: '2026-06-01 10:00:00.000001',
      team_id: 3,
      distinct_id: `d${n}`,
      person_id: personOf(n),
    })
    const insert = async (values: readonly object[]): Promise<void> => {
      await client.command({ query: 'TRUNCATE TABLE posthog_events' })
      await client.insert({ table: 'posthog_events', format: 'JSONEachRow', values })
    }
    const both = ['$feature_flag', '$feature_flag_response'] as const
    const spec = (
      options: Parameters<typeof postHogEvents>[0],
      more: Partial<ExposureSpecInput> = {},
    ): ExposureSpecInput => ({
      environmentKey: '3',
      featureName: 'checkout',
      source: postHogEvents({ table: 'posthog_events', ...options }),
      ...more,
    })

    test.each([{}, { materialized: both }, { materialized: [both[0]] }, { materialized: [both[1]] }])(
      'true is a variant; false is one of a boolean flag only; absent, empty and null never are: %o',
      async (options) => {
        await insert(properties.map((json, index) => row(index + 1, json)))
        for (const allow_experimental_analyzer of [0, 1]) {
          const settings = { allow_experimental_analyzer }
          expect(await counts(spec(options), settings)).toEqual([{ control: 1, b: 1, true: 1 }, 0])
          expect(await counts(spec({ ...options, booleanFlag: true }), settings)).toEqual([
            { control: 1, b: 1, true: 1, false: 1 },
            0,
          ])
        }
      },
    )

    test('materialised columns may be Nullable', async () => {
      await createPublishedTable(client, 'posthog-events', 'nullable_columns')
      await client.command({
        query: `ALTER TABLE nullable_columns
          ADD COLUMN \`mat_$feature_flag\` Nullable(String)
            MATERIALIZED JSONExtract(properties, '$feature_flag', 'Nullable(String)'),
          ADD COLUMN \`mat_$feature_flag_response\` LowCardinality(Nullable(String))
            MATERIALIZED JSONExtract(properties, '$feature_flag_response', 'Nullable(String)')`,
      })
      const values = properties.map((json, index) => row(index + 1, json))
      await client.insert({ table: 'nullable_columns', format: 'JSONEachRow', values })
      for (const [booleanFlag, falses] of [
        [false, {}],
        [true, { false: 1 }],
      ] as const) {
        const source = postHogEvents({ table: 'nullable_columns', materialized: both, booleanFlag })
        expect(await counts(spec({}, { source }))).toEqual([{ control: 1, b: 1, true: 1, ...falses }, 0])
      }
    })

    test('a person of two distinct ids is one identity, and nobody is none', async () => {
      const json = (response: string): string =>
        JSON.stringify({ $feature_flag: 'checkout', $feature_flag_response: response })
      await insert([
        { ...row(1, json('control')), distinct_id: 'phone' },
        { ...row(1, json('b')), distinct_id: 'laptop' },
        { ...row(0, json('b')), distinct_id: '' },
        { ...row(2, json('b')), event: '$pageview' },
        { ...row(3, json('b')), team_id: 33 },
      ])
      expect(await counts(spec({}))).toEqual([undefined, 1])
      expect(await counts(spec({ identity: 'distinct_id' }))).toEqual([{ control: 1, b: 1 }, 0])
      expect(await counts(spec({}, { eventName: '$pageview' }))).toEqual([{ b: 1 }, 0])
      expect(await counts(spec({}, { environmentKey: '33' }))).toEqual([{ b: 1 }, 0])
    })

    test('a row that was not merged yet changes nothing, and parts of the identities add up', async () => {
      const values = [1, 2, 3, 4].map((n) => row(n, properties[n % 2] ?? ''))
      await insert([...values, ...values])
      expect(await counts(spec({}))).toEqual([{ control: 2, b: 2 }, 0])
      const parts = await fetchExposuresSummary(client, exposureSpec(spec({})), window, { partitions: 3 })
      expect(parts.timeseries.points[0]?.newIdentities).toEqual({ control: 2, b: 2 })
    })

    test('EXPLAIN indexes = 1 shows the months and the key range pruned, by the team as text', async () => {
      await client.command({
        query: `CREATE OR REPLACE TABLE many ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp)
          ORDER BY (team_id, toDate(timestamp), event, cityHash64(distinct_id)) SETTINGS index_granularity = 128
          AS SELECT toInt64(number % 7) AS team_id, ['$feature_flag_called', '$pageview'][1 + number % 2] AS event,
            '{}' AS properties, toString(number) AS distinct_id, generateUUIDv4() AS person_id,
            toDateTime64('2026-05-01 00:00:00', 6, 'UTC') + number * 50 AS timestamp FROM numbers(100000)`,
      })
      for (const allow_experimental_analyzer of [0, 1]) {
        const input = spec({ table: 'many' })
        const { query, query_params } = firstExposuresQuery(exposureSpec(input), window)
        const plan = await (
          await client.query({
            query: `EXPLAIN indexes = 1 ${query} SETTINGS allow_experimental_analyzer = ${allow_experimental_analyzer}`,
            query_params: { ...query_params },
            format: 'TabSeparatedRaw',
          })
        ).text()
        const primaryKey = /PrimaryKey\s+Keys:([\s\S]*?)Condition:/.exec(plan)?.[1]
        expect(primaryKey?.match(/\w+(?:\(\w+\))?/g)).toEqual(['team_id', 'toDate(timestamp)', 'event'])
        const granules = [...plan.matchAll(/Granules: (\d+)\/(\d+)/g)]
        expect(Number(granules.at(-1)?.[1])).toBeLessThan(Number(granules[0]?.[2]) / 20)
      }
    })
  })

  test('GrowthBook: by the identifier that is asked for, in one environment where a filter says so', async () => {
    const row = (user_id: string, device_id: string, variation_id: string, environment: string): object => ({
      timestamp: '2026-06-01 10:00:00',
      experiment_id: 'checkout',
      variation_id,
      user_id,
      device_id,
      environment,
    })
    await client.insert({
      table: 'experiment_views',
      format: 'JSONEachRow',
      values: [
        row('ann', 'phone', '0', 'production'),
        row('ann', 'laptop', '1', 'production'),
        row('', 'tablet', '1', 'production'),
        row('bob', 'watch', '1', 'staging'),
        { ...row('cyd', 'desk', '1', 'production'), experiment_id: 'other' },
      ],
    })
    const spec = { featureName: 'checkout', source: growthbookViews() }
    expect(await counts(spec)).toEqual([{ 1: 1 }, 1])
    const byDevice = { ...spec, source: growthbookViews({ identity: 'device_id' }) }
    expect(await counts(byDevice)).toEqual([{ 0: 1, 1: 3 }, 0])
    const filters = [{ column: 'environment', equals: 'production' }]
    expect(await counts({ ...byDevice, filters })).toEqual([{ 0: 1, 1: 2 }, 0])
  })
})
