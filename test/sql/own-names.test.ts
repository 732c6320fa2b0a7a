import {
  crossoversQuery,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposureSpecInput,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
/** The names that the statement gives to its steps. */
const namesIn = (input: Partial<ExposureSpecInput>): readonly (string | undefined)[] => {
  const spec = exposureSpec({
    environmentKey: 'prod',
    featureName: 'checkout',
    ...input,
  })
  return [...crossoversQuery(spec, window).query.matchAll(/^ {2}(\w+) AS \($/gm)].map(([, name]) => name)
}
const columns = { environment: null, event: null }
const own = ['crossing', 'entries', 'crossovers']
const besides = (taken: string): string[] => own.map((name) => (name === taken ? `${name}_` : name))

describe('names of our own', () => {
  test('are as short as they can be', () => {
    expect(namesIn({})).toEqual(own)
  })

  test.each<[where: string, Partial<ExposureSpecInput>]>([
    ['a table', { source: { table: 'crossing' } }],
    ['a database', { source: { table: { database: 'crossing', table: 't' } } }],
    [
      'a column',
      {
        environmentKey: null,
        source: { table: 't', columns: { ...columns, variant: 'crossing' } },
      },
    ],
    ['a SELECT', { source: { table: trustedSql`SELECT * FROM crossing` } }],
    ['a rollup', { source: { table: 'events', rollup: 'crossing' } }],
    [
      "a rollup's database",
      {
        source: {
          table: { database: 'd', table: 't' },
          rollup: { database: 'crossing', table: 'r' },
        },
      },
    ],
    ['a filter', { filters: [{ column: 'crossing', equals: 'x' }] }],
    ['a breakdown', { breakdown: { column: 'crossing' } }],
    ["a filter's expression", { filters: [trustedSql`a = 1`, trustedSql`lower(crossing) = ${'x'}`] }],
    ["a breakdown's expression", { breakdown: { column: trustedSql`lower(crossing)` } }],
  ])('give way to the name of %s', (_, input) => {
    expect(namesIn(input)).toEqual(besides('crossing'))
  })

  test('give way as often as needed', () => {
    const filters = ['entries', 'entries_'].map((column) => ({
      column,
      equals: 'x',
    }))
    expect(namesIn({ filters })).toEqual(own.map((name) => (name === 'entries' ? 'entries__' : name)))
  })

  test.each(['identities', trustedSql`lower(identities)`])(
    'give way to the name of a dimension: %o',
    (dimension) => {
      const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
      const { query } = exposedIdentitiesQuery(spec, window, { dimensions: [dimension] })
      expect(query).toMatch(/^ {2}identities_ AS \($/m)
    },
  )

  test('are not seen where a value stands between two pieces, nor between two expressions', () => {
    expect(
      namesIn({
        filters: [trustedSql`a = 'cros'${1}sing`, trustedSql`1 = cross`, trustedSql`overs = 1`],
      }),
    ).toEqual(own)
    expect(namesIn({ filters: [trustedSql`1 = cros`, trustedSql`sing = 1`] })).toEqual(own)
    expect(namesIn({ filters: [trustedSql`a = cros${1}sing`] })).toEqual(own)
  })
})
