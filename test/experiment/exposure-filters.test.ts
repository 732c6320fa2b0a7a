import {
  exposureSpec,
  isExposureError,
  trustedSql,
  type ExposureError,
  type ExposureFilter,
  type ExposureSpecInput,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const minimal = { environmentKey: 'prod', featureName: 'checkout' }

function refusal(input: unknown): ExposureError {
  try {
    exposureSpec(input as ExposureSpecInput)
  } catch (error) {
    if (isExposureError(error, 'invalid-spec')) return error
  }
  throw new Error('It was accepted.')
}

describe('filters', () => {
  const filters = [
    { column: 'country', equals: 'ES' },
    { column: 'sdk', in: ['web', 'ios'] },
    { column: 'build', atLeast: 100, below: 200 },
    { column: 'build', below: 300 },
    { column: 'path', like: '/shop/%' },
    { column: 'internal', equals: false },
    trustedSql`is_bot = 0`,
  ] as const

  test('are kept as they are, frozen, and a spec with them is its own spec', () => {
    const spec = exposureSpec({ ...minimal, filters })
    expect(spec.filters).toEqual(filters)
    expect(exposureSpec(spec)).toEqual(spec)
    expect(Object.isFrozen(spec.filters[1])).toBe(true)
    expect(Object.isFrozen((spec.filters[1] as { in: unknown }).in)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['filters', 'country'],
    ['filters[0]', [null]],
    ['filters[0]', [{ column: 'country' }]],
    ['filters[0]', [{ column: 'country', equals: 'ES', like: '%' }]],
    ['filters[0].not', [{ column: 'country', not: 'ES' }]],
    ['filters[0].toString', [{ column: 'country', toString: 'ES' }]],
    ['filters[0].column', [{ column: '', equals: 'ES' }]],
    ['filters[0].column', [{ equals: 'ES' }]],
    ['filters[1].column', [filters[0], { column: 'value', equals: 'control' }]],
    ['filters[0].equals', [{ column: 'country', equals: null }]],
    ['filters[0].equals', [{ column: 'country', equals: '\uD800' }]],
    ['filters[0].equals', [{ column: 'n', equals: Number.NaN }]],
    ['filters[0].equals', [{ column: 'n', equals: ['ES'] }]],
    ['filters[0].in', [{ column: 'n', in: 'ES' }]],
    ['filters[0].in', [{ column: 'n', in: [] }]],
    ['filters[0].in', [{ column: 'n', in: ['ES', 5] }]],
    ['filters[0].in', [{ column: 'n', in: [true] }]],
    ['filters[0].below', [{ column: 'n', atLeast: 1, below: true }]],
    ['filters[0].like', [{ column: 'n', like: 5 }]],
    // JSON that looks like a fragment is not one.
    ['filters[0].sql', [{ sql: ['1 = 1'], values: [] }]],
    ['filters[0].sql', [JSON.parse(JSON.stringify(trustedSql`1 = 1`))]],
  ])('%s is named where it is refused: %j', (field, input) => {
    expect(refusal({ ...minimal, filters: input }).details['path']).toBe(field)
  })

  test('one on the variant is refused with the reason', () => {
    expect(refusal({ ...minimal, filters: [{ column: 'value', in: ['a'] }] }).message).toMatch(
      /hide the identities that were exposed to another variant/,
    )
  })

  test('on a rollup compare its declared columns as text, and no others', () => {
    const source = rolledUp({ table: 'events' }, { table: 'by_identity', columns: ['country', 'build'] })
    const of = (filter: ExposureFilter): ExposureSpecInput => ({ ...minimal, source, filters: [filter] })
    for (const filter of [
      { column: 'country', equals: 'NL' },
      { column: 'country', in: ['NL', 'BE'] },
      { column: 'country', notLike: 'N%' },
      { column: 'country', isNull: true },
      { column: 'build', notIn: [1, 2] },
      { column: 'build', equals: true },
    ] as const) {
      expect(exposureSpec(of(filter)).filters).toEqual([filter])
    }
    for (const [filter, path] of [
      [{ column: 'city', equals: 'NL' }, 'filters[0].column'],
      [{ column: 'build', atLeast: 1, below: 9 }, 'filters[0].atLeast'],
      [{ column: 'build', below: 9 }, 'filters[0].below'],
      [{ column: 'build', equals: 1.5 }, 'filters[0].equals'],
      [{ column: 'build', in: [1, 1.5] }, 'filters[0].in'],
      [{ column: 'build', equals: new Date(0) }, 'filters[0].equals'],
      [trustedSql`country = 'NL'`, 'filters[0]'],
    ] as const) {
      expect(refusal(of(filter)).details['path']).toBe(path)
    }
    expect(exposureSpec({ ...minimal, source, filters: [] }).filters).toEqual([])
  })
})

describe('trustedSql', () => {
  test('keeps the text and the values apart, and is frozen', () => {
    const country = "ES' OR 1 = 1 --"
    const fragment = trustedSql`lower(country) = ${country} AND n IN ${[1, 2]}`
    expect(fragment.sql).toEqual(['lower(country) = ', ' AND n IN ', ''])
    expect(fragment.values).toEqual([country, [1, 2]])
    expect(
      Object.isFrozen(fragment) && Object.isFrozen(fragment.sql) && Object.isFrozen(fragment.values[1]),
    ).toBe(true)
  })

  test('does not follow an array that is changed later', () => {
    const list = [1]
    const fragment = trustedSql`n IN ${list}`
    list.push(2)
    expect(fragment.values).toEqual([[1]])
  })

  test.each<[string, () => unknown]>([
    ['called as a function', () => (trustedSql as unknown as (sql: string) => unknown)('1 = 1')],
    ['called with an array', () => trustedSql(['1 = 1'] as unknown as TemplateStringsArray)],
    ['empty', () => trustedSql` `],
    ['a value that is null', () => trustedSql`a = ${null as unknown as string}`],
    ['a value that is an object', () => trustedSql`a = ${{} as unknown as string}`],
    ['an infinite number', () => trustedSql`a = ${Infinity}`],
    ['a whole number that has lost digits', () => trustedSql`a = ${2 ** 53}`],
    ['an empty array', () => trustedSql`a IN ${[]}`],
    ['an array of both', () => trustedSql`a IN ${['a', 1] as unknown as string[]}`],
    ['a lone surrogate', () => trustedSql`a = ${'\uDC00'}`],
    ['an unknown escape', () => trustedSql`a = '\u{}'`],
  ])('refuses %s', (_, make) => {
    let code: unknown
    try {
      make()
    } catch (error) {
      code = isExposureError(error) && error.code
    }
    expect(code).toBe('invalid-spec')
  })
})

describe('breakdown', () => {
  test('has a column and a number of slices, 20 unless told', () => {
    expect(exposureSpec({ ...minimal, breakdown: { column: 'country' } }).breakdown).toEqual({
      column: 'country',
      top: 20,
    })
    expect(exposureSpec({ ...minimal, breakdown: null }).breakdown).toBeNull()
  })

  test.each<[string, unknown]>([
    ['breakdown', 'country'],
    ['breakdown.column', {}],
    ['breakdown.top', { column: 'country', top: 0 }],
    ['breakdown.top', { column: 'country', top: 1001 }],
    ['breakdown.top', { column: 'country', top: 2.5 }],
    ['breakdown.limit', { column: 'country', limit: 5 }],
  ])('%s is named where it is refused: %j', (field, breakdown) => {
    expect(refusal({ ...minimal, breakdown }).details['path']).toBe(field)
  })
})
