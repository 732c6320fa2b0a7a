import { readFile } from 'node:fs/promises'
import { exposureSpec, exposureWindow, flagsmithEvents, postHogEvents } from 'first-exposure'
import {
  rolledUp,
  rollupAudit,
  rollupBackfill,
  rollupErasure,
  rollupMigration,
  rollupSchema,
  type RollupSchema,
  type RollupSchemaInput,
} from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const minimal: RollupSchemaInput = { source: flagsmithEvents(), rollup: 'exposures_by_identity' }
const mapped: RollupSchemaInput = {
  source: {
    table: { database: 'analytics', table: 'exposures' },
    columns: { environment: null, event: null, feature: 'day', identity: 'variant', variant: 'identity' },
  },
  rollup: { database: 'rollups', table: 'a`b' },
}

function script({ create, days, backfill, correct, erase, drop }: RollupSchema): string {
  return [...create, days, backfill, ...correct, ...erase, ...drop]
    .map(({ query }) => `${query};\n`)
    .join('\n')
}

describe('rollupSchema', () => {
  test.each<[string, RollupSchemaInput]>([
    ['schema-mapped-source', mapped],
    [
      'schema-on-cluster-with-ttl-posthog',
      { ...minimal, source: postHogEvents(), cluster: 'events', ttlDays: 400 },
    ],
    ['schema-declared-columns', { ...minimal, columns: ['sdk_version', 'sdk_language'] }],
  ])('is this SQL, to the letter: %s', async (name, input) => {
    await expect(script(rollupSchema(input))).toMatchFileSnapshot(`golden/${name}.sql`)
  })

  test('its doc comment shows the table that it makes', async () => {
    const comment = (await readFile('src/rollup/rollup-schema.ts', 'utf8')).replaceAll(/^ \* ?/gm, '')
    expect(/```sql\n([^]*?)\n```/.exec(comment)?.[1]).toBe(rollupSchema(minimal).create[0]?.query)
  })

  test('every value is a bound parameter', () => {
    const schema = rollupSchema({
      source: flagsmithEvents(),
      rollup: { table: 'r', eventName: "it's seen" },
      ttlDays: 41,
    })
    expect(script(schema)).not.toMatch(/seen\b|41/)
    expect(schema.create.map(({ query_params }) => query_params)).toEqual([
      { ttl_days: 41 },
      { event_name: "it's seen" },
    ])
    expect(schema.days.query_params).toEqual({ event_name: "it's seen" })
    expect(schema.backfill.query_params).toEqual({ event_name: "it's seen" })
  })

  test('is frozen plain data, whether its source has a rollup already or not', () => {
    const schema = rollupSchema(minimal)
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
    expect(Object.isFrozen(schema) && Object.isFrozen(schema.create[0]?.query_params)).toBe(true)
    expect(rollupSchema({ ...minimal, source: rolledUp(flagsmithEvents(), 'another') })).toEqual(schema)
  })

  test.each([
    ['rollupSchema', null],
    ['rollup', { source: flagsmithEvents() }],
    ['source', { rollup: 'r' }],
    ['ttl', { ...minimal, ttl: 1 }],
    ['ttlDays', { ...minimal, ttlDays: 0 }],
    ['ttlDays', { ...minimal, ttlDays: 1.5 }],
    ['ttlDays', { ...minimal, ttlDays: 36_501 }],
    ['ttlDays', { ...minimal, ttlDays: '1 OR 1' }],
    ['rollup.columns', { ...minimal, columns: 'sdk_language' }],
    ['rollup.columns[0]', { ...minimal, columns: ['timestamp'] }],
    ['cluster', { ...minimal, cluster: '' }],
    ['cluster', { ...minimal, cluster: null }],
    ['rollup.table', { ...minimal, rollup: { database: null, table: 'events' } }],
  ])('refuses a %s that cannot be used', (field, input) => {
    expect(() => rollupSchema(input as never)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path: field }) }),
    )
  })
})

describe('rollupErasure', () => {
  test('binds the identities of both statements: the events first', () => {
    const schema = rollupSchema(mapped)
    const statements = rollupErasure(schema, ["o'neil", '2'])
    expect(statements.map(({ query }) => query.split('\n')[0])).toEqual([
      'ALTER TABLE `analytics`.`exposures`',
      'ALTER TABLE `rollups`.`a\\`b`',
    ])
    expect(statements.map(({ query_params }) => query_params)).toEqual(
      statements.map(() => ({ identities: ["o'neil", '2'] })),
    )
    expect(Object.isFrozen(statements) && Object.isFrozen(statements[0]?.query_params)).toBe(true)
  })

  test('names a UUID as a column of UUIDs prints it, too', () => {
    const small = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
    const [first] = rollupErasure(rollupSchema(minimal), [small.toUpperCase(), small, 'USER-17'])
    expect(first?.query_params['identities']).toEqual([small.toUpperCase(), small, small, 'USER-17'])
  })

  test.each([
    ['identities', []],
    ['identities', 'user-17'],
    ['identities[1]', ['a', '']],
    ['identities[0]', [17]],
    ['identities[0]', ['\uD800']],
  ])('refuses %s: %j', (path, identities) => {
    expect(() => rollupErasure(rollupSchema(minimal), identities as never)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path }) }),
    )
  })

  test('refuses what is no schema', () => {
    expect(() => rollupErasure(undefined as never, ['a'])).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: { path: 'schema', received: 'undefined' } }),
    )
  })
})

describe('rollupMigration', () => {
  test('is this SQL, to the letter', async () => {
    const statements = rollupMigration({ ...minimal, ttlDays: 90 }, { database: 'old', table: 'by_day' })
    const { create } = rollupSchema({ ...minimal, ttlDays: 90 })
    expect(statements.slice(0, 2)).toEqual(create)
    await expect(`${statements[2]?.query ?? ''};\n`).toMatchFileSnapshot('golden/migration-with-ttl.sql')
    expect(statements).toHaveLength(3)
  })

  test.each([
    ['old', minimal, 'exposures_by_identity'],
    ['old', minimal, undefined],
    ['columns', { ...minimal, columns: ['sdk_language'] }, 'by_day'],
    ['rollup.table', minimal, { table: '' }],
  ])('refuses %s', (path, input, old) => {
    expect(() => rollupMigration(input, old as never)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path }) }),
    )
  })
})

describe('rollupBackfill', () => {
  test('is one statement a day, in the order given', () => {
    const schema = rollupSchema(mapped)
    const statements = rollupBackfill(schema, ['2028-02-29', '1970-01-02', '2105-12-31'])
    expect(statements.map(({ query_params }) => query_params)).toEqual([
      { day: '2028-02-29' },
      { day: '1970-01-02' },
      { day: '2105-12-31' },
    ])
    for (const { query } of statements) expect(query).toBe(schema.backfill.query)
    expect(Object.isFrozen(statements) && statements.every((s) => Object.isFrozen(s.query_params))).toBe(true)
  })

  test.each([
    '2026-02-29',
    '2026-6-1',
    '1970-01-01',
    '2106-01-01',
    '2026-06-01T00:00:00Z',
    '',
    "'; --",
    20260601,
    null,
  ])('refuses %j', (day) => {
    expect(() => rollupBackfill(rollupSchema(minimal), [day as never])).toThrow(
      expect.objectContaining({
        code: 'invalid-instant',
        details: { path: 'day', received: expect.any(String) },
      }),
    )
  })

  test.each([
    ['schema', undefined, []],
    ['days', rollupSchema(minimal), undefined],
    ['days', rollupSchema(minimal), Promise.resolve([])],
    ['days', rollupSchema(minimal), '2026-06-01'],
  ])('refuses what is no %s', (path, schema, days) => {
    expect(() => rollupBackfill(schema as never, days as never)).toThrow(
      expect.objectContaining({ code: 'invalid-spec', details: expect.objectContaining({ path }) }),
    )
  })
})

describe('rollupAudit', () => {
  const window = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z')

  test.each([['audit-exact', { identityKey: 'exact' }]] as const)(
    'is this SQL, to the letter: %s',
    async (name, input) => {
      const source = rolledUp(flagsmithEvents(), 'exposures_by_identity')
      const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source, ...input })
      const { query, query_params, format } = rollupAudit(spec, window)
      expect({ query_params, format }).toEqual({
        query_params: {
          environment_key: 'prod',
          event_name: '$flag_exposure',
          feature_name: 'checkout',
          audit_start: '2026-06-01',
          audit_end: '2026-06-16',
        },
        format: 'JSONEachRow',
      })
      await expect(`${query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
    },
  )

  test('refuses a rollup whose view would bear the name of the events’ table', () => {
    const schema = (table: string, rollup: RollupSchemaInput['rollup']) => () =>
      rollupSchema({ source: { table: { database: 'd', table } }, rollup })
    expect(schema('exposures_view', { database: 'd', table: 'exposures' })).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        details: { path: 'rollup.table', received: '"exposures"' },
      }),
    )
    expect(schema('exposures_view', { database: 'other', table: 'exposures' })).not.toThrow()
    expect(schema('events', { database: 'd', table: 'exposures' })).not.toThrow()
  })

  test('refuses a source without a rollup', () => {
    const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
    expect(() => rollupAudit(spec, window)).toThrow(expect.objectContaining({ code: 'invalid-spec' }))
  })
})
