import {
  exposureFingerprint,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  flagsmithEvents,
  inlineParameters,
  trustedSql,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const minimal = { environmentKey: 'prod', featureName: 'checkout' }
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const variantColumn = (variant: string): unknown =>
  exposureSpec({ ...minimal, source: { ...flagsmithEvents(), columns: { variant } } }).source.columns.variant
const said = (ask: () => unknown): string => (refusalOf(ask) as { readonly message: string }).message

describe('a name that looks like SQL', () => {
  test.each([
    'lower(value)',
    'lower (value)',
    'toString(toDate(value))',
    'f(\n)',
    'value::String',
    'value::DateTime64(3)',
    "JSONExtract(p, 'a')::Nullable(String)",
    'tags[1]',
    "tags['key']",
  ])('%j is refused', (name) => {
    expect(said(() => variantColumn(name))).toContain('looks like SQL')
  })

  test.each([
    'value',
    'my column',
    'lower(value) of it',
    'the lower(value)',
    'price (EUR) net',
    'an a::b',
    'a::b c',
    'a::b(c) d',
    'a::b(c)d',
    '::b',
    'the tags[1]',
    'tags[1] of it',
    'tags[a]b]',
    '(value)',
    '[1]',
  ])('%j is a name', (name) => {
    expect(variantColumn(name)).toBe(name)
  })

  test('is shown up to its sixtieth character', () => {
    const message = said(() => variantColumn(`lower(${'x'.repeat(100)})`))
    expect(message).toContain(`"lower(${'x'.repeat(54)}" looks like SQL`)
  })

  test.each([' SELECT 1', '((with x AS (SELECT 1) SELECT 1', 'select\n1'])('table %j is refused', (table) => {
    expect(said(() => exposureSpec({ ...minimal, source: { table } }))).toContain('this text looks like SQL')
  })

  test.each(['my select of events', 'selected', '.events', 'with'])('table %j is a name', (table) => {
    expect(exposureSpec({ ...minimal, source: { table } }).source.table).toMatchObject({ table })
  })
})

describe('a SELECT as the table', () => {
  const of = (table: ReturnType<typeof trustedSql>) =>
    firstExposuresQuery(exposureSpec({ ...minimal, source: { table } }), window)

  test('stands in parentheses, on lines of its own', () => {
    const { query, query_params } = of(trustedSql` SELECT * FROM events WHERE day > ${'2026-01-01'} -- last `)
    expect(query).toMatch(
      /FROM \(\n *SELECT \* FROM events WHERE day > \{source_value_1:String\} -- last\n *\)\n/,
    )
    expect(query_params).toMatchObject({ source_value_1: '2026-01-01' })
  })

  test.each([
    trustedSql`SELECT 1 AS a`,
    trustedSql`  ((SELECT 1) UNION ALL (SELECT 2))`,
    trustedSql`-- why
      WITH 1 AS x SELECT x`,
    trustedSql`/* why */FROM events SELECT *`,
    trustedSql`select ${1}`,
  ])('%j', (table) => {
    expect(() => of(table)).not.toThrow()
  })

  test.each([
    [trustedSql`events`, 'is SQL, but no SELECT'],
    [trustedSql`(events)`, 'is SQL, but no SELECT'],
    [trustedSql`x SELECT 1`, 'is SQL, but no SELECT'],
    [trustedSql`SEL${1}ECT 1`, 'is SQL, but no SELECT'],
    [trustedSql`SEL/**/ECT 1`, 'is SQL, but no SELECT'],
    [trustedSql`SELECTED`, 'is SQL, but no SELECT'],
    [trustedSql`SELECT 1;`, 'has a semicolon'],
  ])('%j is refused', (table, why) => {
    expect(said(() => of(table))).toContain(why)
  })
})

describe('events', () => {
  test('several are sorted, without repeats; a list of one is that one', () => {
    expect(exposureSpec({ ...minimal, eventName: ['b', 'a', 'b'] }).eventName).toEqual(['a', 'b'])
    expect(exposureSpec({ ...minimal, eventName: ['a', 'a'] }).eventName).toBe('a')
  })

  test('the source says which event its spec counts, so that a rollup made from it holds that event', () => {
    expect(exposureSpec({ ...minimal, eventName: 'seen' }).source.eventName).toBe('seen')
    expect(exposureSpec({ ...minimal, eventName: ['seen', 'served'] }).source.eventName).toEqual([
      'seen',
      'served',
    ])
    const source = { ...flagsmithEvents(), eventName: 'seen' }
    expect(exposureSpec({ ...minimal, source }).eventName).toBe('seen')
    expect(exposureSpec({ ...minimal, source, eventName: 'served' }).source.eventName).toBe('served')
  })

  test('an environment is one key', () => {
    expect(said(() => exposureSpec({ ...minimal, environmentKey: ['prod', 'test'] as never }))).toContain(
      'Pass text that is not empty',
    )
  })
})

describe('the columns of a rollup', () => {
  const declare = (columns: readonly string[]): readonly string[] | undefined =>
    rolledUp(flagsmithEvents(), { table: 'r', columns }).rollup?.columns
  const many = Array.from({ length: 11 }, (_, index) => `c${index}`)

  test('are sorted, without repeats, and at most ten', () => {
    expect(declare(['b', 'a', 'b'])).toEqual(['a', 'b'])
    expect(declare(many.slice(0, 10))).toHaveLength(10)
    expect(said(() => declare(many))).toContain('Declare at most 10 columns.')
  })

  test.each([
    [trustedSql`lower(plan)`, 'Name a column of the table.'],
    ['identifier', 'Leave it out: a rollup keeps the first exposures by it.'],
  ])('%j is refused', (column, advice) => {
    expect(said(() => declare([column as string]))).toContain(advice)
  })
})

test('aliases of a column to itself are refused with the reason', () => {
  const aliases = { table: 'aliases', from: 'id', to: 'id' }
  expect(said(() => exposureSpec({ ...minimal, aliases }))).toBe(
    'aliases.from and aliases.to are the same column, so every identifier would stand for itself. ' +
      'Name the column of the identifier that it stands for.',
  )
})

test('a fingerprint has 32 hexadecimal digits, half of a SHA-256', () => {
  const all = Array.from({ length: 300 }, (_, index) =>
    exposureFingerprint(exposureSpec({ ...minimal, featureName: `f${index}` }), 0),
  )
  expect(all.every((each) => /^[0-9a-f]{32}$/.test(each))).toBe(true)
  expect(new Set(all).size).toBe(300)
  // One in sixteen bytes begins with a zero.
  expect(all.some((each) => /^(..)*0/.test(each))).toBe(true)
})

test('what inlining refuses', () => {
  const statement = { query: 'SELECT {a:String}', query_params: {}, format: 'JSONEachRow' } as const
  expect(said(() => inlineParameters(statement))).toBe(
    'query_params.a is required. Bind a text, a number, a boolean or a list to it.',
  )
  expect(said(() => inlineParameters({ ...statement, query_params: { a: 'x' } }, { except: ['b'] }))).toBe(
    'options.except is not usable: received "b". Pass names of parameters of the statement.',
  )
})
