import {
  decodeBatchRows,
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  flagsmithEvents,
  type BatchExperiment,
  type ExposureSpecInput,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const later = exposureWindow('2026-06-13T00:00:00Z', '2026-06-15T12:00:00Z')
const of = (
  featureName: string,
  input: Partial<ExposureSpecInput> = {},
  asked = window,
): BatchExperiment => ({
  spec: exposureSpec({ environmentKey: 'prod', featureName, ...input }),
  window: asked,
})

describe('firstExposuresBatchQuery', () => {
  test.each<[string, readonly BatchExperiment[]]>([
    ['one-window', [of('checkout'), of('search', { maxRows: 7 })]],
    [
      'windows-zones-policies-exact-cluster',
      [
        of('checkout', { multiVariant: 'first-seen', timeZone: 'Europe/Madrid' }),
        of('search', {}, later),
        of('banner', { timeZone: 'Europe/Madrid' }),
      ].map(({ spec, window: own }) => ({
        window: own,
        spec: exposureSpec({
          ...spec,
          identityKey: 'exact',
          filters: [{ column: 'sdk', equals: 'web' }],
          source: { table: { database: 'analytics', table: 'buckets' }, cluster: 'warehouse' },
        }),
      })),
    ],
  ])('is this SQL, to the letter: %s', async (name, experiments) => {
    await expect(`${firstExposuresBatchQuery(experiments).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('binds each window, zone and policy by the place of its experiment', () => {
    const { query, query_params } = firstExposuresBatchQuery([
      of('a', { multiVariant: 'first-seen' }),
      of('b', { timeZone: 'Asia/Tokyo', maxRows: 9 }, later),
      of('c'),
    ])
    expect(query_params).toEqual({
      environment_key: 'prod',
      event_name: '$flag_exposure',
      feature_names: ['a', 'b', 'c'],
      start_ms: window.startMs,
      as_of_ms: later.asOfMs,
      starts_ms: [window.startMs, later.startMs, window.startMs],
      as_ofs_ms: [window.asOfMs, later.asOfMs, window.asOfMs],
      first_seen: [1, 0, 0],
      time_zone_1: 'UTC',
      time_zone_2: 'Asia/Tokyo',
      buckets_of: [1, 2, 1],
      row_limit: 100_001,
    })
    for (const value of ['Tokyo', 'prod', '100001']) expect(query).not.toContain(value)
  })

  test.each<[why: string, experiments: readonly BatchExperiment[]]>([
    ['they differ in their environmentKey', [of('a'), of('b'), of('c', { environmentKey: 'test' })]],
    ['they differ in their eventName', [of('a'), of('b'), of('c', { eventName: 'seen' })]],
    [
      'they differ in their filters',
      [of('a'), of('b'), of('c', { filters: [{ column: 'sdk', equals: 'web' }] })],
    ],
    ['they differ in their source', [of('a'), of('b'), of('c', { source: { table: 'others' } })]],
    ['they differ in their identityKey', [of('a'), of('b'), of('c', { identityKey: 'exact' })]],
    [
      'its source has a rollup',
      [of('a'), of('b'), of('c', { source: rolledUp(flagsmithEvents(), 'exposures_by_identity') })],
    ],
    [
      'its source is shardedByIdentity',
      [
        of('a'),
        of('b'),
        of('c', { source: { table: { database: 'd', table: 't' }, cluster: 'c', shardedByIdentity: true } }),
      ],
    ],
  ])('refuses an experiment that cannot share the pass: %s', (why, experiments) => {
    expect(refusalOf(() => firstExposuresBatchQuery(experiments))).toEqual({
      code: 'invalid-spec',
      message: `experiments[2] cannot share a pass with experiments[0]: ${why}. Ask it in another statement, or use fetchExposuresSummaries.`,
      details: { path: 'experiments[2]', received: 'an object' },
    })
  })

  test.each<[why: string, input: Partial<ExposureSpecInput>]>([
    ['its source has a rollup', { source: rolledUp(flagsmithEvents(), 'exposures_by_identity') }],
    [
      'its source is shardedByIdentity',
      { source: { table: { database: 'd', table: 't' }, cluster: 'c', shardedByIdentity: true } },
    ],
    ['it has aliases', { aliases: { table: 'aliases', from: 'anonymous', to: 'person' } }],
  ])('refuses an experiment that is always asked about by itself, also alone: %s', (why, input) => {
    for (const experiments of [[of('a', input)], [of('a', input), of('b')]]) {
      expect(refusalOf(() => firstExposuresBatchQuery(experiments))).toEqual({
        code: 'invalid-spec',
        message: `experiments[0] cannot be in a pass over many experiments: ${why}. Use firstExposuresQuery, or fetchExposuresSummaries.`,
        details: { path: 'experiments[0]', received: 'an object' },
      })
    }
  })

  test('refuses a feature that is asked about twice, and too many or no experiments', () => {
    expect(refusalOf(() => firstExposuresBatchQuery([of('a'), of('b'), of('b', {}, later)]))).toMatchObject({
      message: expect.stringContaining(
        'experiments[2] cannot share a pass with experiments[1]: it asks about the same feature.',
      ),
    })
    for (const experiments of [[], Array.from({ length: 1001 }, (_, n) => of(`f${n}`))]) {
      expect(refusalOf(() => firstExposuresBatchQuery(experiments))).toMatchObject({
        message: expect.stringContaining('Pass 1 to 1,000 experiments.'),
      })
    }
    expect(firstExposuresBatchQuery([of('a')]).query_params['feature_names']).toEqual(['a'])
  })
})

describe('decodeBatchRows', () => {
  const row = { quarantined: 0, variant: 'a', bucket: '2026-06-01 00:00:00', new_identities: '7' }

  test('says which experiment each bucket is of', () => {
    const buckets = decodeBatchRows([
      { ...row, experiment: '1' },
      { ...row, experiment: 0 },
    ])
    const bucket = { quarantined: false, variant: 'a', bucketMs: window.startMs, newIdentities: 7 }
    expect(buckets).toEqual([
      { ...bucket, experiment: 1 },
      { ...bucket, experiment: 0 },
    ])
    expect(Object.isFrozen(buckets[0])).toBe(true)
  })

  test.each([
    ['experiment', [row]],
    ['experiment', [{ ...row, experiment: -1 }]],
    ['new_identities', [{ ...row, experiment: 0, new_identities: 0.5 }]],
    [
      'bucket',
      [
        { ...row, experiment: 0 },
        { ...row, experiment: 0 },
      ],
    ],
  ])('refuses rows that the query cannot have given: %s', (column, rows) => {
    expect(refusalOf(() => decodeBatchRows(rows))).toMatchObject({
      code: 'malformed-rows',
      details: { column, row: rows.length - 1 },
    })
  })
})
