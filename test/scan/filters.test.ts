import {
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  trustedSql,
  type ExposureFilter,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const instant = new Date('2026-06-01T00:00:00Z')
const asked = (
  filters: readonly ExposureFilter[],
): { readonly predicates: string[]; readonly guards: string[]; readonly params: object } => {
  const { query, query_params } = firstExposuresQuery(
    exposureSpec({ environmentKey: 'prod', featureName: 'checkout', filters }),
    window,
  )
  const lines = query.split('\n').map((line) => line.trim())
  return {
    // What stands behind the predicates that every statement has.
    predicates: lines.slice(lines.indexOf('AND `value` IS NOT NULL') + 1, lines.indexOf('),')),
    guards: lines.filter((line) => line.includes('column filter_')),
    params: Object.fromEntries(Object.entries(query_params).filter(([name]) => name.startsWith('filter_'))),
  }
}

describe('a filter', () => {
  test.each<[filter: ExposureFilter, predicates: readonly string[], params: object]>([
    [{ column: 'a', equals: 'x' }, ['AND `a` = {filter_1_equals:String}'], { filter_1_equals: 'x' }],
    [{ column: 'a', equals: true }, ['AND `a` = {filter_1_equals:Bool}'], { filter_1_equals: true }],
    [
      { column: 'a', equals: instant },
      ['AND `a` = fromUnixTimestamp64Milli({filter_1_equals:Int64})'],
      { filter_1_equals: instant.getTime() },
    ],
    [{ column: 'a', in: ['x'] }, ['AND `a` IN {filter_1_in:Array(String)}'], { filter_1_in: ['x'] }],
    [
      { column: 'a', notIn: [1] },
      ['AND `a` NOT IN {filter_1_notin:Array(Int64)} AND `a` IS NOT NULL'],
      { filter_1_notin: [1] },
    ],
    [{ column: 'a', isNull: true }, ['AND `a` IS NULL'], {}],
    [{ column: 'a', isNull: false }, ['AND `a` IS NOT NULL'], {}],
    [
      { column: 'a', atLeast: instant, below: 5 },
      ['AND `a` >= fromUnixTimestamp64Milli({filter_1_atleast:Int64})', 'AND `a` < {filter_1_below:Int64}'],
      { filter_1_atleast: instant.getTime(), filter_1_below: 5 },
    ],
    [trustedSql`b = ${1}`, ['AND (b = {filter_1_value_1:Int64})'], { filter_1_value_1: 1 }],
  ])('%o is asked on the bare column', (filter, predicates, params) => {
    expect(asked([filter])).toMatchObject({ predicates, params })
  })

  test.each<[filter: ExposureFilter, predicate: string]>([
    [{ column: 'a', like: 'x%' }, 'AND toString(`a`) LIKE {filter_1_like:String}'],
    [{ column: 'a', notLike: 'x%' }, 'AND toString(`a`) NOT LIKE {filter_1_notlike:String}'],
  ])('%o is asked on the text of the column', (filter, predicate) => {
    const [params] = Object.values(asked([filter]).params)
    expect([asked([filter]).predicates, params]).toEqual([[predicate], 'x%'])
  })

  test.each<[name: string, filter: ExposureFilter, guard: string | null]>([
    ['an instant', { column: 'a', below: instant }, "position(toTypeName(any(`a`)), 'DateTime') = 0"],
    [
      'text',
      { column: 'a', equals: 'x' },
      "position(toTypeName(any(`a`)), 'DateTime') > 0 AND position(toTypeName(any(`a`)), '\\'') = 0",
    ],
    ['a number', { column: 'a', in: [1, 2] }, "match(toTypeName(any(`a`)), 'Date|Enum')"],
    ['a fraction', { column: 'a', below: 0.1 }, "match(toTypeName(any(`a`)), 'Date|Enum|Float32')"],
    [
      'a list of fractions',
      { column: 'a', in: [1, 0.1] },
      "match(toTypeName(any(`a`)), 'Date|Enum|Float32|Decimal')",
    ],
    ['a fraction of two', { column: 'a', in: [0.5] }, "match(toTypeName(any(`a`)), 'Date|Enum')"],
    ['a truth value', { column: 'a', equals: true }, "match(toTypeName(any(`a`)), 'Date|Enum')"],
    ['NULL', { column: 'a', isNull: true }, null],
    ['a trusted condition', trustedSql`a = ${1}`, null],
  ])('that compares with %s is guarded by the type of its column', (_, filter, guard) => {
    expect(asked([trustedSql`1`, filter]).guards).toEqual(
      guard === null
        ? []
        : [
            `AND throwIf(${guard}, concat('first-exposure: column filter_2 has type <', toTypeName(any(\`a\`)), '>')) = 0`,
          ],
    )
  })

  test.each<[path: string, filter: object]>([
    ['filters[0].equals', { column: 'a', equals: new Date(NaN) }],
    ['filters[0].equals', { column: 'a', equals: { instantMs: 0.5 } }],
    ['filters[0].equals.ms', { column: 'a', equals: { instantMs: 5, ms: 5 } }],
    ['filters[0].in', { column: 'a', in: instant }],
    ['filters[0].notIn', { column: 'a', notIn: 'x' }],
    ['filters[0].isNull', { column: 'a', isNull: 1 }],
    ['filters[0].notLike', { column: 'a', notLike: 5 }],
    ['filters[0].equals', { column: 'a', equals: 2 ** 53 }],
    ['filters[0].notIn', { column: 'a', notIn: [1, -(2 ** 53)] }],
    ['filters[0]', { column: 'a', in: ['x'], notIn: ['y'] }],
  ])('is refused at %s: %o', (path, filter) => {
    expect(() => asked([filter as ExposureFilter])).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ path }) as unknown }),
    )
  })
})
