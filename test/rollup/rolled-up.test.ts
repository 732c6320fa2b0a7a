import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  flagsmithEvents,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const source = rolledUp(flagsmithEvents(), 'exposures_by_day')

function queryOf(input: Partial<ExposureSpecInput>, start: string, asOf: string): ExposuresQuery {
  return firstExposuresQuery(exposureSpec({ ...minimal, source, ...input }), exposureWindow(start, asOf))
}

describe('rolledUp', () => {
  test('adds the rollup to the source, and a spec keeps it', () => {
    expect(source).toEqual({
      ...flagsmithEvents(),
      rollup: { database: null, table: 'exposures_by_day', eventName: '$flag_exposure' },
    })
    expect(Object.isFrozen(source) && Object.isFrozen(source.rollup)).toBe(true)
    const spec = exposureSpec({ ...minimal, source })
    expect(spec.source).toEqual(source)
    expect(exposureSpec(spec)).toEqual(spec)
    expect(rolledUp(source, 'exposures_by_day')).toEqual(source)
    expect(rolledUp(source, 'another').rollup?.table).toBe('another')
  })

  test('keeps the cluster, and whether it is sharded by identity', () => {
    const events = { table: { database: 'exposures', table: 'events' }, cluster: 'warehouse' }
    for (const shardedByIdentity of [false, true]) {
      const rolled = rolledUp(
        { ...events, shardedByIdentity },
        { database: 'exposures', table: 'exposures_by_day' },
      )
      expect(rolled).toMatchObject({ ...events, shardedByIdentity })
      expect(rolledUp(rolled, { database: 'exposures', table: 'another' })).toMatchObject({
        ...events,
        shardedByIdentity,
        rollup: { table: 'another' },
      })
    }
    expect(() => rolledUp(events, 'exposures_by_day')).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        details: expect.objectContaining({ path: 'rollup.database' }),
      }),
    )
  })

  test('the event of the spec is that of the rollup, and no other', () => {
    const seen = rolledUp(flagsmithEvents(), { table: 'seen_by_day', eventName: 'seen' })
    expect(exposureSpec({ ...minimal, source: seen }).eventName).toBe('seen')
    expect(exposureSpec({ ...minimal, source: seen, eventName: 'seen' }).eventName).toBe('seen')
    for (const [from, eventName] of [
      [seen, '$flag_exposure'],
      [source, 'seen'],
    ] as const) {
      expect(() => exposureSpec({ ...minimal, source: from, eventName })).toThrow(
        expect.objectContaining({
          code: 'invalid-spec',
          details: expect.objectContaining({ path: 'eventName' }),
        }),
      )
    }
    const noEvent = rolledUp({ table: 't', columns: { event: null } }, 't_by_day')
    expect(noEvent.rollup?.eventName).toBe(null)
    expect(exposureSpec({ ...minimal, source: noEvent }).eventName).toBe(null)
    expect(exposureSpec(exposureSpec({ ...minimal, source: noEvent })).source).toEqual(noEvent)
  })

  test.each([
    ['rollup', undefined],
    ['rollup', null],
    ['rollup', 1],
    ['rollup', ''],
    ['rollup.table', {}],
    ['rollup', '\uD800'],
    ['rollup.table', 'events'],
    ['rollup.database', { table: 't', database: '' }],
    ['rollup.eventName', { table: 't', eventName: '' }],
    ['rollup.eventName', { table: 't', eventName: 1 }],
    ['rollup.engine', { table: 't', engine: 'Log' }],
  ])('refuses a %s that cannot be used: %j', (field, rollup) => {
    expect(() => rolledUp(flagsmithEvents(), rollup as never)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path: field }) }),
    )
  })

  test('an event for a source without an event column is refused', () => {
    expect(() => rolledUp({ table: 't', columns: { event: null } }, { table: 'r', eventName: 'x' })).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        details: expect.objectContaining({ path: 'rollup.eventName' }),
      }),
    )
  })
})

describe('firstExposuresQuery of a source with a rollup', () => {
  test.each<[string, Partial<ExposureSpecInput>, string, string]>([
    [
      'partial-days-first-seen-exact',
      { multiVariant: 'first-seen', identityKey: 'exact' },
      '2026-06-01T08:00:00Z',
      '2026-06-15T17:30:00Z',
    ],
    [
      'partial-days-mapped-source',
      {
        environmentKey: null,
        source: rolledUp(
          {
            table: { database: 'analytics', table: 'exposures' },
            columns: {
              environment: null,
              event: null,
              feature: 'day',
              identity: 'identity',
              variant: 'first_exposure',
            },
          },
          { database: 'rollups', table: 'ranked' },
        ),
      },
      '2026-06-01T08:00:00Z',
      '2026-06-15T17:30:00Z',
    ],
  ])('is this SQL, to the letter: %s', async (name, input, start, asOf) => {
    await expect(`${queryOf(input, start, asOf).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test.each([
    ['within a day', '2026-06-01T00:00:00.001Z', '2026-06-01T23:59:59.999Z'],
    ['over a midnight', '2026-06-01T00:00:00.001Z', '2026-06-02T23:59:59.999Z'],
    ['up to the last millisecond of a day', '2026-06-01T00:00:00Z', '2026-06-01T23:59:59.999Z'],
  ])('a window without a whole UTC day reads the events alone: %s', (_, start, asOf) => {
    expect(queryOf({}, start, asOf)).toEqual(queryOf({ source: flagsmithEvents() }, start, asOf))
  })

  test.each([
    ['2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z', '2026-06-01', '2026-06-02'],
    ['2026-06-01T00:00:00.001Z', '2026-06-03T00:00:00Z', '2026-06-02', '2026-06-03'],
    ['2026-05-31T23:59:59.999Z', '2026-06-03T23:59:59.999Z', '2026-06-01', '2026-06-03'],
    ['1970-01-02T00:00:00Z', '2106-01-01T00:00:00Z', '1970-01-02', '2106-01-01'],
  ])('the whole UTC days of %s to %s come from the rollup', (start, asOf, first, end) => {
    expect(queryOf({}, start, asOf).query_params).toMatchObject({ rollup_start: first, rollup_end: end })
  })
})
