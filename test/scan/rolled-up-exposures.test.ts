import {
  exposedIdentitiesQuery,
  exposureLedgerQuery,
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  flagsmithEvents,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { unknownToRollup } from '../../src/scan/rolled-up-exposures.js'

const window = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T00:00:00Z')

test.each([
  ['rolled-up-cluster', false, 'hash'],
  ['rolled-up-sharded-exact', true, 'exact'],
] as const)('is this SQL, to the letter: %s', async (name, shardedByIdentity, identityKey) => {
  const source = rolledUp(
    { table: { database: 'exposures', table: 'events' }, cluster: 'warehouse', shardedByIdentity },
    { database: 'exposures', table: 'events_by_day' },
  )
  const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source, identityKey })
  await expect(`${firstExposuresQuery(spec, window).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
})

describe('through its declared columns', () => {
  const source = rolledUp(flagsmithEvents(), {
    table: 'exposures_by_identity',
    columns: ['sdk_language', 'plan', 'country'],
  })
  const minimal = { environmentKey: 'prod', featureName: 'checkout', source }
  const filters = [
    { column: 'plan', equals: 'pro' },
    { column: 'plan', equals: true },
    { column: 'plan', equals: false },
    { column: 'plan', in: ['pro', 'team'] },
    { column: 'plan', notIn: ['free'] },
    { column: 'country', like: 'e%' },
    { column: 'country', notLike: '%x' },
    { column: 'country', isNull: true },
    { column: 'sdk_language', isNull: false },
  ]
  const summary = (spec: ExposureSpec): ExposuresQuery => firstExposuresQuery(spec, window)
  const ledger = (spec: ExposureSpec): ExposuresQuery => exposureLedgerQuery(spec, window)
  const breakdown = (spec: ExposureSpec): ExposuresQuery => exposuresBreakdownQuery(spec, window)
  const who =
    (dimensions: readonly string[]) =>
    (spec: ExposureSpec): ExposuresQuery =>
      exposedIdentitiesQuery(spec, window, { dimensions })

  test.each<[string, Partial<ExposureSpecInput>, (spec: ExposureSpec) => ExposuresQuery]>([
    ['summary-filters', { filters }, summary],
    ['ledger', {}, ledger],
    ['ledger-first-seen-filter', { multiVariant: 'first-seen', filters: filters.slice(0, 1) }, ledger],
    ['breakdown', { breakdown: { column: 'country' } }, breakdown],
    ['breakdown-of-another-column', { breakdown: { column: 'browser' } }, breakdown],
    ['exposed-identities', { filters: filters.slice(5, 6) }, who(['country', 'plan'])],
    ['exposed-identities-another-column', {}, who(['country', 'browser'])],
  ])('is this SQL, to the letter: %s', async (name, input, ask) => {
    const { query } = ask(exposureSpec({ ...minimal, ...input }))
    await expect(`${query}\n`).toMatchFileSnapshot(`golden/rolled-up-columns-${name}.sql`)
  })
})

describe('a column that the rollup does not have', () => {
  const query = 'SELECT least_instant'
  test.each([
    ['Missing columns: `value_of_plan` while processing', { name: 'value_of_plan', declared: 'plan' }],
    ["Unknown identifier 'variants'", { name: 'variants' }],
    ['Unknown identifier `identity_hash`', { name: 'identity_hash' }],
    ['Unknown identifier `country`', undefined],
  ])('is read from the error of the server: %s', (message, unknown) => {
    expect(unknownToRollup(message, query)).toStrictEqual(unknown)
  })

  test('only in a statement that reads a rollup', () => {
    expect(unknownToRollup("Unknown identifier 'variants'", 'SELECT variants')).toBeUndefined()
  })
})
