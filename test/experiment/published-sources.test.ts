import {
  exposureSpec,
  flagsmithEvents,
  growthbookViews,
  isExposureError,
  postHogEvents,
  type ExposureSource,
  type ExposureSourceInput,
  type ExposureSpec,
} from 'first-exposure'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const codeAndField = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return isExposureError(error) ? [error.code, error.details['path']] : error
  }
  return 'no error'
}

describe('ready-made sources', () => {
  test.each<[string, ExposureSource]>([
    ['flagsmithEvents', flagsmithEvents()],
    [
      'growthbookViews',
      growthbookViews({ table: { database: 'org', table: 'views' }, identity: 'device_id' }),
    ],
    ['postHogEvents', postHogEvents({ table: 'sharded_events', identity: 'distinct_id', booleanFlag: true })],
    ['postHogEvents', postHogEvents({ materialized: ['$feature_flag', '$feature_flag_response'] })],
  ])('%s is frozen, and is its own source in a spec that is its own spec', (_, source) => {
    const environmentKey = source.columns.environment === null ? null : '1'
    const spec = exposureSpec({ environmentKey, featureName: 'f', source })
    expect(spec.source).toEqual(source)
    expect(exposureSpec(spec)).toEqual(spec)
    for (const part of [source, source.table, source.columns]) expect(Object.isFrozen(part)).toBe(true)
  })

  test('the table and the columns are those that are published', () => {
    expect(growthbookViews()).toEqual({
      table: { database: null, table: 'experiment_views' },
      columns: {
        environment: null,
        feature: 'experiment_id',
        event: null,
        timestamp: 'timestamp',
        identity: 'user_id',
        variant: 'variation_id',
        arrival: null,
      },
      cluster: null,
      shardedByIdentity: false,
    })
    expect(postHogEvents()).toMatchObject({
      table: { database: null, table: 'events' },
      columns: {
        environment: 'team_id',
        event: 'event',
        timestamp: 'timestamp',
        identity: 'person_id',
        arrival: 'created_at',
      },
      eventName: '$feature_flag_called',
    })
  })

  test.each<[string, () => unknown]>([
    ['growthbookViews', () => growthbookViews(null as never)],
    ['growthbookViews.timestamp', () => growthbookViews({ timestamp: 'at' } as never)],
    ['source.columns.identity', () => growthbookViews({ identity: '' })],
    ['source.table', () => growthbookViews({ table: '' })],
    ['postHogEvents', () => postHogEvents('events' as never)],
    ['postHogEvents.team', () => postHogEvents({ team: 1 } as never)],
    ['postHogEvents.identity', () => postHogEvents({ identity: 'person' as never })],
    ['postHogEvents.booleanFlag', () => postHogEvents({ booleanFlag: 'yes' as never })],
    ['postHogEvents.materialized', () => postHogEvents({ materialized: '$feature_flag' as never })],
    ['postHogEvents.materialized[0]', () => postHogEvents({ materialized: ['$browser' as never] })],
  ])('%s is refused where it makes no sense', (field, run) => {
    expect(codeAndField(run)).toEqual(['invalid-spec', field])
  })
})

describe('what a source calls its exposures', () => {
  const called: ExposureSourceInput = { table: 't', eventName: 'seen' }
  const of = (source: ExposureSourceInput, eventName?: string): ExposureSpec['eventName'] =>
    exposureSpec({
      environmentKey: '1',
      featureName: 'f',
      source,
      ...(eventName === undefined ? {} : { eventName }),
    }).eventName

  test('is the default of the spec, and the spec may say otherwise', () => {
    expect([of({ table: 't' }), of(called), of(called, 'clicked')]).toEqual([
      '$flag_exposure',
      'seen',
      'clicked',
    ])
    expect(of(postHogEvents())).toBe('$feature_flag_called')
  })

  test('is what its rollup holds, unless the rollup says otherwise', () => {
    expect(of(rolledUp(called, 'r'))).toBe('seen')
    expect(of(rolledUp(called, { table: 'r', eventName: 'clicked' }))).toBe('clicked')
    expect(codeAndField(() => of(rolledUp(called, 'r'), '$flag_exposure'))).toEqual([
      'invalid-spec',
      'eventName',
    ])
    const { create, backfill } = rollupSchema({ source: postHogEvents(), rollup: 'r' })
    for (const statement of [create[1], backfill]) {
      expect(statement?.query_params['event_name']).toBe('$feature_flag_called')
    }
  })

  test('is kept by a spec of a source with a rollup', () => {
    const spec = exposureSpec({
      environmentKey: '1',
      featureName: 'f',
      source: rolledUp(postHogEvents(), 'r'),
    })
    expect(exposureSpec(spec)).toEqual(spec)
    expect(spec.source.eventName).toBe('$feature_flag_called')
  })

  test.each<[string, ExposureSourceInput]>([
    ['', { table: 't', eventName: '' }],
    ['7', { table: 't', eventName: 7 as never }],
    ['a name without an event column', { table: 't', columns: { event: null }, eventName: 'seen' }],
  ])('is refused: %s', (_, source) => {
    expect(codeAndField(() => of(source))).toEqual(['invalid-spec', 'source.eventName'])
  })
})
