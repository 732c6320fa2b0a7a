import { flagsmithEvents } from 'first-exposure'
import { decodeRollupAudit, rollupBackfill, rollupSchema } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const schema = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_identity' })
const row = {
  environment: 'prod',
  feature: 'checkout',
  day: '2026-06-01',
  in_events: 5,
  in_rollup: 5,
  missing: 0,
  surplus: 0,
}
const backfill = rollupBackfill(schema, ['2026-06-01'])

describe('decodeRollupAudit', () => {
  test('a day that agrees needs nothing', () => {
    expect(decodeRollupAudit([row], schema)).toEqual([
      { day: '2026-06-01', inEvents: 5, inRollup: 5, missing: 0, surplus: 0, mend: [] },
    ])
    expect(decodeRollupAudit([], schema)).toEqual([])
  })

  test('what is missing is backfilled', () => {
    expect(decodeRollupAudit([{ ...row, missing: '1' }], schema)[0]?.mend).toEqual(backfill)
  })

  test.each([0, 2])('a surplus is removed from its experiment first (with %d missing)', (missing) => {
    const surplus = { ...row, missing, surplus: 1 }
    const ofDay = { feature_name: 'checkout', day: '2026-06-01' }
    const [removed, added] = schema.correct
    expect(decodeRollupAudit([surplus], schema)[0]?.mend).toEqual([
      {
        query: removed?.query,
        query_params: { ...removed?.query_params, ...ofDay, environment_key: 'prod' },
      },
      { query: added?.query, query_params: { ...added?.query_params, ...ofDay, environment_key: 'prod' } },
    ])
    const [without] = decodeRollupAudit([{ ...surplus, environment: null }], schema)[0]?.mend ?? []
    expect(without?.query_params).toEqual({ ...removed?.query_params, ...ofDay })
  })

  test('is frozen through and through', () => {
    const days = decodeRollupAudit([{ ...row, missing: 1 }], schema)
    expect(Object.isFrozen(days) && Object.isFrozen(days[0]) && Object.isFrozen(days[0]?.mend)).toBe(true)
  })

  test.each([
    ['environment', 1],
    ['feature', null],
    ['day', '2026-06-31'],
    ['day', '2026-06-01 00:00:00'],
    ['day', 20260601],
    ['in_events', -1],
    ['in_rollup', 1.5],
    ['missing', '1e3'],
    ['surplus', null],
    ['surplus', 2 ** 53],
  ])('refuses a %s of %j', (column, value) => {
    expect(() => decodeRollupAudit([row, { ...row, [column]: value }], schema)).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ row: 1, column }),
      }),
    )
  })

  test('refuses a row without a column, and what is no list of rows', () => {
    const { surplus: _, ...without } = row
    for (const rows of [[without], [null], [1]]) {
      expect(() => decodeRollupAudit(rows, schema)).toThrow(
        expect.objectContaining({ code: 'malformed-rows' }),
      )
    }
    expect(() => decodeRollupAudit('rows' as never, schema)).toThrow(
      expect.objectContaining({ code: 'malformed-rows' }),
    )
  })

  test('refuses what is no schema', () => {
    expect(() => decodeRollupAudit([row], undefined as never)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: { path: 'schema', received: 'undefined' } }),
    )
  })
})
