import { exposureSpec, exposureWindow, flagsmithEvents } from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const failing = async (code: string | undefined, message: unknown, asked = spec): Promise<unknown> => {
  const error = Object.assign(new Error(), { message, ...(code === undefined ? {} : { code }) })
  return await fetchExposuresSummary({ query: () => Promise.reject(error) }, asked, window).catch(
    (thrown: unknown) => (thrown === error ? 'untouched' : thrown),
  )
}

describe('what the guards of a statement refuse', () => {
  // The second is set by statements over a cluster.
  test.each(['limit', 'skip_unavailable_shards'])(
    'a setting that the user may not override: %s',
    async (setting) => {
      expect(await failing('164', `Cannot modify '${setting}' setting in readonly mode`)).toMatchObject({
        code: 'unsafe-setting',
        details: { setting },
        message: expect.stringContaining(`the setting ${setting}`) as unknown,
      })
    },
  )

  test.each([
    ['Int64', 'fromUnixTimestamp64Milli(toInt64(ts))'],
    ['Nullable(Date32)', 'toDateTime64(day, 3'],
    ['LowCardinality(String)', 'parseDateTime64BestEffort(ts'],
  ])('a timestamp of type %s, with its cure', async (type, cure) => {
    expect(
      await failing('395', `first-exposure: column timestamp has type <${type}>: while …`),
    ).toMatchObject({
      code: 'unreadable-column',
      details: { column: 'timestamp', type },
      message: expect.stringContaining(cure) as unknown,
    })
  })

  test.each([
    ['43', 'No operation less between Array(String) and DateTime64(3): while executing', 'Array(String)'],
    ['43', 'Illegal types of arguments (String, DateTime64(3)) of function less', 'String'],
    [
      '43',
      'Illegal types of arguments (`Array(Nullable(String))`, `DateTime64(3)`) of function `less`: In scope SELECT (a)',
      'Array(Nullable(String))',
    ],
    ['386', 'There is no supertype … between Enum8 and DateTime64(3)', 'Enum8'],
  ])('a comparison that fails by itself: %s', async (code, message, type) => {
    expect(await failing(code, message)).toMatchObject({
      code: 'unreadable-column',
      details: { column: 'timestamp', type },
    })
  })

  test.each([
    ['identity', 'toString(identity)'],
    ['variant', 'toString(variant)'],
    ['filter_2', 'Pass an instant, as a Date'],
  ])('a column %s, with its cure', async (column, cure) => {
    expect(await failing('395', `first-exposure: column ${column} has type <Dynamic>`)).toMatchObject({
      code: 'unreadable-column',
      message: expect.stringContaining(cure) as unknown,
    })
  })

  test.each([
    ['Unknown expression identifier `variants` in scope SELECT …', 'variants', 'rollupMigration'],
    ["Missing columns: 'first_exposures' while processing query", 'first_exposures', 'rollupMigration'],
    ['Unknown expression identifier `value_of_country` in scope SELECT …', 'country', 'columns'],
  ])('a rollup of another schema: %s', async (message, column, cure) => {
    const source = rolledUp(flagsmithEvents(), 'exposures_by_identity')
    expect(await failing('47', message, exposureSpec({ ...spec, source }))).toMatchObject({
      code: 'unreadable-rollup',
      details: { column },
      message: expect.stringContaining(cure) as unknown,
    })
    // A table of events that lacks such a column is no rollup.
    expect(await failing('47', message)).toBe('untouched')
  })

  test.each([
    'Unknown expression or function identifier `_part` in scope SELECT …',
    "Missing columns: '_part' while processing query",
  ])('FINAL on a table without parts: %s', async (message) => {
    const source = { ...flagsmithEvents(), final: true }
    expect(await failing('47', message, exposureSpec({ ...spec, source }))).toMatchObject({
      code: 'invalid-spec',
      details: { path: 'source.final' },
    })
    expect(await failing('47', message)).toBe('untouched')
  })

  test.each<[code: string | undefined, message: unknown]>([
    ['47', 'Unknown expression identifier `user_id` in scope SELECT …'],
    ['164', "Cannot modify 'max_threads' setting in readonly mode"],
    ['164', 'Cannot execute query in readonly mode'],
    ['395', 'first-exposure: two variants have the same hash'],
    ['43', 'Illegal type of argument'],
    ['60', 'first-exposure: column timestamp has type <Int64>'],
    [undefined, 'first-exposure: column timestamp has type <Int64>'],
    ['395', 5],
    ['constructor', 'first-exposure: column timestamp has type <Int64>'],
    ['toString', 'boom'],
  ])('nothing else: %s %s', async (code, message) => {
    expect(await failing(code, message)).toBe('untouched')
  })
})
