import {
  exposureLedgerQuery,
  exposureSpec,
  exposureWindow,
  identityTimelineQuery,
  trustedSql,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const start = Date.UTC(2026, 5, 1)
const window = exposureWindow(start, start + 14 * 86_400_000)
const input = { environmentKey: 'prod', featureName: 'checkout' }
const filters = [{ column: 'country', equals: 'ES' }, trustedSql`is_bot = 0 OR sdk = ${'web'}`]
const cluster = { table: { database: 'analytics', table: 'exposures' }, cluster: 'warehouse' }
const ask: Readonly<Record<string, (spec: ExposureSpecInput) => ExposuresQuery>> = {
  'exposure-ledger': (spec) => exposureLedgerQuery(exposureSpec(spec), window, { latenessMs: 77_000 }),
  'identity-timeline': (spec) => identityTimelineQuery(exposureSpec(spec), window, 'user-17', { limit: 55 }),
}

const folder: Readonly<Record<string, string>> = {
  'exposure-ledger': 'ledger',
  'identity-timeline': 'timeline',
}

describe.each(Object.entries(ask))('%s', (name, query) => {
  test.each<[string, ExposureSpecInput]>([
    ['first-seen-filtered', { ...input, multiVariant: 'first-seen', filters }],
    ['cluster', { ...input, source: cluster }],
  ])('is this SQL, to the letter: %s', async (form, spec) => {
    await expect(`${query(spec).query}\n`).toMatchFileSnapshot(`${folder[name]}/golden/${form}.sql`)
  })

  test('every value is a bound parameter, and it is frozen', () => {
    const spec = { ...input, eventName: 'seen', timeZone: 'Europe/Madrid', maxRows: 88, filters }
    const asked = query(spec)
    expect(Object.isFrozen(asked) && Object.isFrozen(asked.query_params)).toBe(true)
    const values = ['prod', 'checkout', 'seen', 'Madrid', 'ES', String(start), 'user-17', '77000', '55', '89']
    for (const value of values) expect(asked.query).not.toContain(value)
    expect(asked.query_params).toMatchObject({ feature_name: 'checkout', start_ms: start, row_limit: 89 })
  })

  test('refuses a spec and a window that were not made by their makers', () => {
    expect(() => query({ ...input, multiVariant: 'x" OR 1' as never })).toThrow(
      expect.objectContaining({ code: 'invalid-spec' }),
    )
  })
})

test('what is no lateness, no identity or no limit is refused', () => {
  const spec = exposureSpec(input)
  for (const latenessMs of [-1, 0.5, NaN, '1' as never]) {
    expect(() => exposureLedgerQuery(spec, window, { latenessMs })).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        details: expect.objectContaining({ path: 'latenessMs' }),
      }),
    )
  }
  for (const identity of [17 as never, null as never, 'lone \uD800']) {
    expect(() => identityTimelineQuery(spec, window, identity)).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        details: expect.objectContaining({ path: 'identity' }),
      }),
    )
  }
  for (const limit of [0, 1.5, 10_001]) {
    expect(() => identityTimelineQuery(spec, window, 'a', { limit })).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path: 'limit' }) }),
    )
  }
})

test('without an arrival column nothing is asked about it', () => {
  const source = { table: 'events', columns: {} }
  const { query, query_params } = exposureLedgerQuery(exposureSpec({ ...input, source }), window)
  expect(query).not.toMatch(/arrived|collected_at/)
  expect(query_params).not.toHaveProperty('lateness_ms')
})
