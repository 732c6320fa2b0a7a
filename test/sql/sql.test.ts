import { trustedSql } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { bound, joined, lines, nothing, sql, text, trusted, where, type Sql } from '../../src/sql/sql.js'
import { identifier } from '../../src/sql/identifiers.js'
import { statement } from '../../src/sql/statement.js'

const queryOf = (fragment: Sql): string => statement(fragment).query

describe('a fragment', () => {
  test('loses the indent that its lines share', () => {
    expect(
      queryOf(sql`
        SELECT
          1
        FROM numbers
      `),
    ).toBe('SELECT\n  1\nFROM numbers')
  })

  test('of several lines takes the indent of the line on which it stands', () => {
    const inner = sql`
      SELECT
        1
    `
    expect(
      queryOf(sql`
        WITH
          a AS (
            ${inner}
          )
        SELECT ${lines(text('x'), text('y'))}
      `),
    ).toBe('WITH\n  a AS (\n    SELECT\n      1\n  )\nSELECT x,\ny')
  })

  test('leaves out a line that holds nothing but empty fragments, and only such a line', () => {
    expect(
      queryOf(sql`
        SELECT 1

        ${nothing}
        ${nothing}${where([])}
        LIMIT 1${nothing}
      `),
    ).toBe('SELECT 1\n\nLIMIT 1')
  })

  test('keeps the lines of a name and of a trusted fragment as they are', () => {
    const name = identifier('a\nb')
    const condition = trusted(
      trustedSql`x = 'a
b'`,
      'f',
    )
    expect(
      queryOf(sql`
        SELECT
          ${sql`${name}, ${condition}`}
      `),
    ).toBe("SELECT\n  `a\nb`, (x = 'a\nb')")
  })

  test('writes numbers as they are', () => {
    expect(queryOf(sql`${2n ** 62n} + ${1}`)).toBe('4611686018427387904 + 1')
  })

  test('joins predicates to a WHERE', () => {
    expect(queryOf(where([text('a'), text('b')]))).toBe('WHERE a\n  AND b')
  })
})

describe('a parameter', () => {
  const start = bound('start_ms', 'Int64', 7)

  test('is bound wherever it stands, and only where it stands', () => {
    expect(statement(sql`SELECT ${start}, ${sql`${start} + 1`}`)).toEqual({
      query: 'SELECT {start_ms:Int64}, {start_ms:Int64} + 1',
      query_params: { start_ms: 7 },
      format: 'JSONEachRow',
    })
    expect(statement(joined([], ', ')).query_params).toEqual({})
  })

  test('of a trusted fragment is named by its place', () => {
    const fragment = trustedSql`
      a IN ${['x', 'y']} OR b = ${1.5}
    `
    expect(statement(trusted(fragment, 'filter_1'))).toMatchObject({
      query: '(a IN {filter_1_value_1:Array(String)} OR b = {filter_1_value_2:Float64})',
      query_params: { filter_1_value_1: ['x', 'y'], filter_1_value_2: 1.5 },
    })
  })

  test('is frozen with its statement', () => {
    const made = statement(sql`${start}`)
    expect(Object.isFrozen(made) && Object.isFrozen(made.query_params)).toBe(true)
  })
})
