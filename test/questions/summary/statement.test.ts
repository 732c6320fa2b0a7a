import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  postHogEvents,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const start = Date.UTC(2026, 5, 1)
const hours = (n: number): number => n * 3_600_000

const sharded = {
  table: { database: 'analytics', table: 'exposures' },
  cluster: 'warehouse',
  shardedByIdentity: true,
}

function queryOf(input: Partial<ExposureSpecInput>, lengthMs: number): ExposuresQuery {
  return firstExposuresQuery(
    exposureSpec({ environmentKey: 'prod', featureName: 'checkout', ...input }),
    exposureWindow(start, start + lengthMs),
  )
}

describe('firstExposuresQuery', () => {
  test('quotes names so that nothing in them ends the name', () => {
    const { query } = queryOf({ source: { table: { database: 'd`; DROP', table: 'a\\b`c' } } }, hours(1))
    expect(query).toContain('FROM `d\\`; DROP`.`a\\\\b\\`c`')
  })

  test.each<[string, Partial<ExposureSpecInput>, number]>([
    [
      'hour-first-seen-exact-cluster-mapped',
      {
        environmentKey: null,
        multiVariant: 'first-seen',
        identityKey: 'exact',
        source: {
          ...sharded,
          shardedByIdentity: false,
          columns: {
            environment: null,
            event: null,
            feature: 'experiment',
            identity: 'identity',
            variant: 'variant_key',
          },
        },
      },
      hours(72),
    ],
    ['day-quarantine-sharded', { source: sharded }, hours(24 * 14)],
    [
      'day-first-seen-sharded-posthog',
      {
        environmentKey: '1',
        multiVariant: 'first-seen',
        source: {
          ...postHogEvents({
            table: { database: 'posthog', table: 'sharded_events' },
            identity: 'distinct_id',
            materialized: ['$feature_flag', '$feature_flag_response'],
          }),
          cluster: 'posthog',
          shardedByIdentity: true,
        },
      },
      hours(24 * 14),
    ],
  ])('is this SQL, to the letter: %s', async (name, input, lengthMs) => {
    await expect(`${queryOf(input, lengthMs).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('a part of the identities is one more predicate, and no other change', async () => {
    const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
    const window = exposureWindow(start, start + hours(100))
    const whole = firstExposuresQuery(spec, window)
    const part = firstExposuresQuery(spec, window, { partition: { index: 2, of: 5 } })
    const lines = part.query.split('\n')
    const added = lines.filter((line) => line.includes('{partition_'))
    expect(added.map((line) => line.trim())).toEqual([
      "AND cityHash64('partition', assumeNotNull(`identifier`)) % {partition_count:UInt64} = {partition_index:UInt64}",
    ])
    expect(lines.filter((line) => !added.includes(line)).join('\n')).toBe(whole.query)
    expect(part.query_params).toEqual({ ...whole.query_params, partition_index: 2, partition_count: 5 })
    for (const partition of [
      { index: 5, of: 5 },
      { index: -1, of: 5 },
      { index: 0, of: 0 },
      { index: 0.5, of: 2 },
      { index: 0, of: 65_537 },
    ]) {
      expect(() => firstExposuresQuery(spec, window, { partition })).toThrow(
        expect.objectContaining({ code: 'invalid-spec' }),
      )
    }
  })

  test('every value is a bound parameter', () => {
    expect(queryOf({ timeZone: 'Europe/Madrid', maxRows: 77 }, hours(100))).toMatchObject({
      query_params: {
        environment_key: 'prod',
        event_name: '$flag_exposure',
        feature_name: 'checkout',
        start_ms: start,
        as_of_ms: start + hours(100),
        time_zone: 'Europe/Madrid',
        row_limit: 78,
      },
      format: 'JSONEachRow',
    })
    const text = queryOf({ timeZone: 'Europe/Madrid', eventName: 'seen', maxRows: 77 }, hours(100)).query
    for (const value of ['prod', 'checkout', 'seen', 'Madrid', String(start), '78', '77']) {
      expect(text).not.toContain(value)
    }
  })

  test('what the source does not have is neither asked nor bound', () => {
    const { query, query_params } = queryOf(
      { environmentKey: null, source: { table: 't', columns: { environment: null, event: null } } },
      hours(1),
    )
    expect(Object.keys(query_params)).toEqual([
      'feature_name',
      'start_ms',
      'as_of_ms',
      'time_zone',
      'row_limit',
    ])
    expect(query).not.toMatch(/environment_key|event_name/)
  })

  test('is frozen', () => {
    const query = queryOf({}, hours(1))
    expect(Object.isFrozen(query) && Object.isFrozen(query.query_params)).toBe(true)
  })

  test('refuses a spec and a window that were not made by their makers', () => {
    const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
    const window = exposureWindow(start, start + 1)
    const forged = { ...spec, multiVariant: 'x" OR 1' } as never
    expect(() => firstExposuresQuery(forged, window)).toThrow(
      expect.objectContaining({ code: 'invalid-spec' }),
    )
    expect(() => firstExposuresQuery(spec, { startMs: '1; DROP', asOfMs: 2 } as never)).toThrow(
      expect.objectContaining({ code: 'invalid-instant' }),
    )
  })
})
