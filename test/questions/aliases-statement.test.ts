import {
  crossoversQuery,
  exposedIdentitiesQuery,
  exposureLedgerQuery,
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  identityTimelineQuery,
  summarizeExposureLedger,
  summarizeIdentityTimeline,
  trustedSql,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposuresQuery,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const partialDays = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z')
const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const aliases = { table: 'aliases', from: 'anonymous', to: 'person' }

describe('the aliases of a spec', () => {
  test('are complete, frozen, and their own aliases', () => {
    const spec = exposureSpec({ ...minimal, aliases })
    expect(spec.aliases).toEqual({ ...aliases, table: { database: null, table: 'aliases' } })
    expect(Object.isFrozen(spec.aliases?.table)).toBe(true)
    expect(exposureSpec(spec)).toEqual(spec)
    expect(exposureSpec({ ...minimal, aliases: null }).aliases).toBeNull()
    const named = { ...aliases, table: { database: 'crm', table: 'aliases' }, from: trustedSql`lower(id)` }
    expect(exposureSpec({ ...minimal, aliases: named }).aliases).toEqual(named)
  })

  test.each<[string, unknown]>([
    ['aliases', 'aliases'],
    ['aliases.table', { ...aliases, table: 'crm.aliases' }],
    ['aliases.table', { from: 'a', to: 'b' }],
    ['aliases.table.database', { ...aliases, table: { database: '', table: 'aliases' } }],
    ['aliases.from', { ...aliases, from: '' }],
    ['aliases.from', { ...aliases, from: 'lower(id)' }],
    ['aliases.to', { table: 'aliases', from: 'a' }],
    ['aliases.to', { ...aliases, to: 'anonymous' }],
    ['aliases.too', { ...aliases, too: 'person' }],
  ])('are refused with the path %s: %j', (path, wrong) => {
    expect(refusalOf(() => exposureSpec({ ...minimal, aliases: wrong as typeof aliases }))).toMatchObject({
      code: 'invalid-spec',
      details: { path },
    })
  })
})

describe('the statements with aliases', () => {
  const cluster = { table: { database: 'analytics', table: 'exposures' }, cluster: 'warehouse' }
  const rollup = rolledUp(cluster, { database: 'rollups', table: 'exposures_by_day' })
  test.each<[string, Partial<ExposureSpecInput>, (spec: ExposureSpec) => ExposuresQuery]>([
    [
      'summary-exact-rollup-partition',
      { identityKey: 'exact', source: rollup },
      (spec) => firstExposuresQuery(spec, partialDays, { partition: { index: 1, of: 3 } }),
    ],
    [
      'exposed-identities-sharded-expressions',
      {
        multiVariant: 'first-seen',
        source: { ...cluster, shardedByIdentity: true },
        aliases: {
          table: { database: 'crm', table: 'aliases' },
          from: trustedSql`lower(${'x'})`,
          to: trustedSql`coalesce(person, ${'y'})`,
        },
      },
      (spec) => exposedIdentitiesQuery(spec, window, { dimensions: ['country'], prefix: 'who_' }),
    ],
    ['ledger', {}, (spec) => exposureLedgerQuery(spec, window)],
    ['crossovers', {}, (spec) => crossoversQuery(spec, window)],
    ['breakdown', { breakdown: { column: 'country' } }, (spec) => exposuresBreakdownQuery(spec, window)],
    ['timeline', {}, (spec) => identityTimelineQuery(spec, window, 'ann')],
  ])('are this SQL, to the letter: %s', async (name, input, ask) => {
    const { query } = ask(exposureSpec({ ...minimal, aliases, ...input }))
    await expect(`${query}\n`).toMatchFileSnapshot(`golden/aliases-${name}.sql`)
  })

  test('do not count on the shards, where the identifiers of one identity may be on two of them', () => {
    const source = { ...cluster, shardedByIdentity: true }
    const { query } = firstExposuresQuery(exposureSpec({ ...minimal, aliases, source }), window)
    expect(query).toContain('identity_aliases')
    expect(query).not.toContain('view(')
  })
})

describe('rows about aliases', () => {
  const row = { variant: 'a', events: 0, identities: 2, lateness_seconds: [] }

  test('are added up by the ledger', () => {
    const ledger = summarizeExposureLedger([
      { ...row, entry: 'joined' },
      { ...row, entry: 'joined', variant: null, identities: 0 },
      { ...row, entry: 'joined', variant: null, identities: '3' },
      { ...row, entry: 'chained' },
      { ...row, entry: 'ambiguous', variant: 'b', identities: 7 },
      { ...row, entry: 'quarantined-by-joining', variant: null, identities: 1 },
    ])
    expect(ledger.aliases).toEqual({
      joinedIdentifiers: 5,
      ambiguousIdentifiers: 7,
      chainedIdentifiers: 2,
      quarantinedByJoining: 1,
    })
    expect(ledger.scanned).toBe(0)
    expect(summarizeExposureLedger([]).aliases).toBeNull()
  })

  test('name the identifiers of a story, and one variant of two identifiers is no crossover', () => {
    const event = { shown: 0, disposition: 'exposure', variant: 'a', at_ms: 1, events: 2 }
    const ann = { identifier: 'ann', identity: 'ann' }
    const anonymous = { identifier: 'a7', identity: 'ann' }
    const { verdict, resolved, events } = summarizeIdentityTimeline([
      { ...event, ...ann },
      { ...event, ...anonymous, at_ms: 2 },
      { ...event, ...anonymous, at_ms: 2, shown: 1 },
    ])
    expect(verdict).toEqual({ type: 'counted', variant: 'a', at: 1 })
    expect(resolved).toEqual({ identity: 'ann', identifiers: ['a7', 'ann'] })
    expect(events).toEqual([{ at: 2, variant: 'a', disposition: 'exposure', identifier: 'a7' }])
    expect(refusalOf(() => summarizeIdentityTimeline([{ ...event, identifier: 'ann' }]))).toMatchObject({
      code: 'malformed-rows',
      details: { column: 'identity' },
    })
    expect(refusalOf(() => summarizeIdentityTimeline([{ ...event, ...ann, identifier: 7 }]))).toMatchObject({
      code: 'malformed-rows',
      details: { column: 'identifier' },
    })
  })
})
