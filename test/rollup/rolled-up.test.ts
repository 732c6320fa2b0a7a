import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  flagsmithEvents,
  trustedSql,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const source = rolledUp(flagsmithEvents(), 'exposures_by_identity')

function queryOf(input: Partial<ExposureSpecInput>, start: string, asOf: string): ExposuresQuery {
  return firstExposuresQuery(exposureSpec({ ...minimal, source, ...input }), exposureWindow(start, asOf))
}

describe('rolledUp', () => {
  test('adds the rollup to the source, and a spec keeps it', () => {
    expect(source).toEqual({
      ...flagsmithEvents(),
      rollup: { database: null, table: 'exposures_by_identity', eventName: '$flag_exposure', columns: [] },
    })
    expect(Object.isFrozen(source) && Object.isFrozen(source.rollup)).toBe(true)
    const spec = exposureSpec({ ...minimal, source })
    expect(spec.source).toEqual(source)
    expect(exposureSpec(spec)).toEqual(spec)
    expect(rolledUp(source, 'exposures_by_identity')).toEqual(source)
    expect(rolledUp(source, 'another').rollup?.table).toBe('another')
  })

  test('keeps the cluster, and whether it is sharded by identity', () => {
    const events = { table: { database: 'exposures', table: 'events' }, cluster: 'warehouse' }
    for (const shardedByIdentity of [false, true]) {
      const rolled = rolledUp(
        { ...events, shardedByIdentity },
        { database: 'exposures', table: 'exposures_by_identity' },
      )
      expect(rolled).toMatchObject({ ...events, shardedByIdentity })
      expect(rolledUp(rolled, { database: 'exposures', table: 'another' })).toMatchObject({
        ...events,
        shardedByIdentity,
        rollup: { table: 'another' },
      })
    }
    expect(() => rolledUp(events, 'exposures_by_identity')).toThrow(
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
      'first-seen-exact',
      { multiVariant: 'first-seen', identityKey: 'exact' },
      '2026-06-01T08:00:00Z',
      '2026-06-15T17:30:00Z',
    ],
    [
      'mapped-source',
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

  test('names its parameters like the query of the events, whatever the window', () => {
    for (const [start, asOf] of [
      ['2026-06-01T00:00:00.001Z', '2026-06-01T23:59:59.999Z'],
      ['1970-01-02T00:00:00Z', '2106-01-01T00:00:00Z'],
    ] as const) {
      const { query_params } = queryOf({}, start, asOf)
      expect(query_params).toEqual(queryOf({ source: flagsmithEvents() }, start, asOf).query_params)
    }
  })

  test('an identity stands alone only if one event is asked for, and on one server', () => {
    const of = (rolled: ReturnType<typeof rolledUp>): string =>
      queryOf({ source: rolled }, '2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z').query
    expect(of(source)).toContain('_part')
    const events = { ...flagsmithEvents(), eventName: ['seen', 'served'] }
    expect(of(rolledUp(events, 'exposures_by_identity'))).not.toContain('_part')
    const cluster = { ...flagsmithEvents(), table: { database: 'd', table: 'events' }, cluster: 'warehouse' }
    for (const shardedByIdentity of [false, true]) {
      expect(of(rolledUp({ ...cluster, shardedByIdentity }, { database: 'd', table: 'r' }))).not.toContain(
        '_part',
      )
    }
  })
})

describe('the declared columns of a rollup', () => {
  const declared = (columns: unknown): (() => unknown) => {
    return () => rolledUp(flagsmithEvents(), { table: 'r', columns: columns as never })
  }
  test('are sorted, without repeats', () => {
    const { rollup } = rolledUp(flagsmithEvents(), { table: 'r', columns: ['b', 'a', 'b'] })
    expect(rollup?.columns).toEqual(['a', 'b'])
    expect(rolledUp(rolledUp(flagsmithEvents(), rollup ?? 'r'), rollup ?? 'r').rollup).toEqual(rollup)
  })

  test.each([
    ['rollup.columns', 'sdk_language'],
    ['rollup.columns', Array.from({ length: 11 }, (_, index) => `c${index}`)],
    ['rollup.columns[0]', ['']],
    ['rollup.columns[1]', ['a', 1]],
    ['rollup.columns[0]', [trustedSql`lower(a)`]],
    ['rollup.columns[0]', ['timestamp']],
    ['rollup.columns[0]', ['identifier']],
    ['rollup.columns[0]', ['value']],
  ])('refuse a %s that cannot be used: %j', (path, columns) => {
    expect(declared(columns)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path }) }),
    )
  })
})
