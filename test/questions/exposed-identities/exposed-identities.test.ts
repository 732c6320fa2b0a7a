import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposedIdentitiesQueryOptions,
  type ExposureSpecInput,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const row = {
  identity: 'ann',
  variant: 'control',
  first_exposure: '2026-06-01 08:00:00.250000000',
  quarantined: 0,
  first_variant: 'control',
}

const sharded = {
  table: { database: 'analytics', table: 'exposures' },
  cluster: 'warehouse',
  shardedByIdentity: true,
}
const rolledUpSource = {
  ...rolledUp(
    { ...sharded, shardedByIdentity: false },
    { database: 'rollups', table: 'exposures_by_identity' },
  ),
}
const partialDays = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z')

describe('exposedIdentitiesQuery', () => {
  test.each<[string, Partial<ExposureSpecInput>, ExposedIdentitiesQueryOptions]>([
    [
      'first-seen-dimensions-final',
      { multiVariant: 'first-seen', source: { table: 'events', final: true } },
      { dimensions: ['country', trustedSql`lower(${'X'})`] },
    ],
    [
      'rolled-up-cluster-partition-prefix',
      { source: rolledUpSource },
      { partition: { index: 1, of: 3 }, prefix: 'who_' },
    ],
    ['rolled-up-sharded', { source: { ...rolledUpSource, shardedByIdentity: true } }, {}],
    ['sharded-dimensions', { source: sharded }, { dimensions: ['country'], partition: { index: 0, of: 2 } }],
    [
      'sharded-first-seen-filtered',
      { multiVariant: 'first-seen', source: sharded, filters: [{ column: 'country', equals: 'ES' }] },
      {},
    ],
  ])('is this SQL, to the letter: %s', async (name, input, options) => {
    const asked = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', ...input })
    const { query } = exposedIdentitiesQuery(asked, partialDays, options)
    await expect(`${query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('names all its parameters with the prefix', () => {
    const plain = exposedIdentitiesQuery(spec, window)
    const { query, query_params } = exposedIdentitiesQuery(spec, window, { prefix: 'e_' })
    expect(Object.keys(query_params)).toEqual(Object.keys(plain.query_params).map((name) => `e_${name}`))
    expect(query.match(/\{(?!e_)/)).toBeNull()
  })

  test('counts identities by themselves, and lists them all', () => {
    const { query } = exposedIdentitiesQuery(exposureSpec({ ...spec, maxRows: 5 }), window)
    expect(query).not.toMatch(/murmurHash|LIMIT/)
  })

  test.each<[path: string, options: object]>([
    ['prefix', { prefix: '1e' }],
    ['prefix', { prefix: 'e-' }],
    ['prefix', { prefix: 5 }],
    ['dimensions', { dimensions: 'country' }],
    ['dimensions', { dimensions: Array.from({ length: 21 }, (_, index) => `c${index}`) }],
    ['dimensions[0]', { dimensions: ['variant'] }],
    ['dimensions[1]', { dimensions: ['country', 'country'] }],
    ['dimensions[0]', { dimensions: [''] }],
    ['partition.index', { partition: { index: 2, of: 2 } }],
    ['options.dimension', { dimension: ['country'] }],
  ])('refuses %s', (path, options) => {
    expect(
      refusalOf(() => exposedIdentitiesQuery(spec, window, options as ExposedIdentitiesQueryOptions)),
    ).toMatchObject({ code: 'invalid-spec', details: { path } })
  })

  test('a dimension keeps its name, and an expression is numbered', () => {
    const { query } = exposedIdentitiesQuery(spec, window, {
      dimensions: ['country', trustedSql`lower(${'X'})`],
    })
    expect(query).toMatch(/AS `country`/)
    expect(query).toMatch(/AS `dimension_2`/)
  })
})

describe('decodeExposedIdentityRows', () => {
  test.each([
    ['2026-06-01 08:00:00.25', '2026-06-01T08:00:00.250000000Z'],
    ['2026-06-01T08:00:00.000000001Z', '2026-06-01T08:00:00.000000001Z'],
    ['2026-06-01 08:00:00', '2026-06-01T08:00:00.000000000Z'],
    ['1780300800.250000000', '2026-06-01T08:00:00.250000000Z'],
  ])('reads an instant as any setting writes it: %s', (first_exposure, firstExposure) => {
    expect(decodeExposedIdentityRows([{ ...row, first_exposure }])).toEqual([
      {
        identity: 'ann',
        variant: 'control',
        firstExposure,
        quarantined: false,
        firstVariant: 'control',
        dimensions: {},
      },
    ])
  })

  test('reads the quarantined, numbers as identities, and dimensions', () => {
    const rows = [
      { ...row, identity: 7, variant: null, quarantined: 1, first_variant: '__proto__', country: null },
    ]
    const [decoded] = decodeExposedIdentityRows(rows)
    expect(decoded).toMatchObject({
      identity: 7,
      variant: null,
      quarantined: true,
      firstVariant: '__proto__',
    })
    expect(decoded?.dimensions).toEqual({ country: null })
    expect(Object.isFrozen(decoded) && Object.isFrozen(decoded?.dimensions)).toBe(true)
  })

  test.each<[column: string, cells: object]>([
    ['identity', { identity: '' }],
    ['identity', { identity: 0.5 }],
    ['identity', { identity: null }],
    ['identity', { identity: 2 ** 53 }],
    ['variant', { variant: null }],
    ['variant', { variant: 'control', quarantined: 1 }],
    ['variant', { variant: 'other' }],
    ['first_exposure', { first_exposure: '2026-02-30 00:00:00' }],
    ['first_exposure', { first_exposure: 'June' }],
    ['first_exposure', { first_exposure: 5 }],
    ['quarantined', { quarantined: 2 }],
    ['first_variant', { first_variant: 5 }],
    ['country', { country: 5 }],
  ])('refuses %s: %o', (column, cells) => {
    expect(refusalOf(() => decodeExposedIdentityRows([row, { ...row, ...cells }]))).toMatchObject({
      code: 'malformed-rows',
      details: { row: 1, column },
    })
  })
})
