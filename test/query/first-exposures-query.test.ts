import { readFile } from 'node:fs/promises'
import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const start = Date.UTC(2026, 5, 1)
const hours = (n: number): number => n * 3_600_000

function queryOf(input: Partial<ExposureSpecInput>, lengthMs: number): ExposuresQuery {
  return firstExposuresQuery(
    exposureSpec({ environmentKey: 'prod', featureName: 'checkout', ...input }),
    exposureWindow(start, start + lengthMs),
  )
}

describe('firstExposuresQuery', () => {
  test.each<[string, Partial<ExposureSpecInput>, number]>([
    ['day-quarantine', {}, hours(24 * 14)],
    ['hour-quarantine', {}, hours(72)],
    ['day-first-seen', { multiVariant: 'first-seen' }, hours(72) + 1],
    ['hour-first-seen', { multiVariant: 'first-seen' }, hours(72)],
    ['day-quarantine-exact', { identityKey: 'exact' }, hours(24 * 14)],
    [
      'day-quarantine-mapped-source',
      {
        environmentKey: null,
        source: {
          table: { database: 'analytics', table: 'exposures' },
          columns: {
            environment: null,
            event: null,
            feature: 'experiment',
            identity: 'identity',
            variant: 'variant_key',
          },
        },
      },
      hours(24 * 14),
    ],
  ])('is this SQL, to the letter: %s', async (name, input, lengthMs) => {
    await expect(`${queryOf(input, lengthMs).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('its doc comment shows the SQL it makes', async () => {
    const source = await readFile('src/query/first-exposures-query.ts', 'utf8')
    const shown = /```sql\n([^`]*(?:`[^`]+`[^`]*)*?)```/.exec(source.replaceAll(/^ \* ?/gm, ''))?.[1]
    expect(shown).toBe(`${queryOf({}, hours(24 * 14)).query}\n`)
  })

  test('every value is a bound parameter', () => {
    expect(queryOf({ timeZone: 'Europe/Madrid', maxRows: 41 }, hours(100))).toMatchObject({
      query_params: {
        environment_key: 'prod',
        event_name: '$flag_exposure',
        feature_name: 'checkout',
        start_ms: start,
        as_of_ms: start + hours(100),
        time_zone: 'Europe/Madrid',
        row_limit: 42,
      },
      format: 'JSONEachRow',
    })
    const text = queryOf({ timeZone: 'Europe/Madrid', eventName: 'seen', maxRows: 41 }, hours(100)).query
    for (const value of ['prod', 'checkout', 'seen', 'Madrid', String(start), '42', '41']) {
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
