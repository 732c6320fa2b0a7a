import * as fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  initialRefreshState,
  trustedSql,
  type ExposureFilter,
} from 'first-exposure'
import { fetchExposuresSummary, refreshExposures, type ExposureClient } from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const specOf = (...filters: readonly ExposureFilter[]) =>
  exposureSpec({ environmentKey: 'prod', featureName: 'checkout', filters })

type Asked = Parameters<ExposureClient['query']>[0]
function client(): ExposureClient & { readonly asked: Asked[] } {
  const asked: Asked[] = []
  return {
    asked,
    query: async (params) => {
      asked.push(params)
      return { json: async () => [] }
    },
  }
}
const refusalOf = async (filter: ExposureFilter, asks: ExposureClient): Promise<unknown> =>
  await fetchExposuresSummary(asks, specOf(filter), window).then(
    () => 'asked',
    ({ code, message, details }: { code: unknown; message: unknown; details: unknown }) => ({
      code,
      message,
      details,
    }),
  )

/** The text of a list is two brackets, and for each value two quotes and, but for the first, a comma. */
const values = (count: number, length: number): string[] =>
  Array.from({ length: count }, () => 'x'.repeat(length))

describe('a parameter', () => {
  test('that a server takes in no way is refused by its name, before anything is sent', async () => {
    const asks = client()
    expect(await refusalOf({ column: 'country', in: values(8739, 12) }, asks)).toEqual({
      code: 'invalid-spec',
      message:
        'The parameter filter_1_in takes 131,086 bytes; a ClickHouse server takes 131,072. Keep a long list in a table or ' +
        'a dictionary of the server, and ask for it in a condition made by trustedSql: ' +
        'trustedSql`country IN (SELECT code FROM countries)`.',
      details: { path: 'filter_1_in', received: 'an array of 8739' },
    })
    expect(asks.asked).toEqual([])
  })

  test.each<[string, (length: number) => ExposureFilter, atMost: number]>([
    ['equals', (length) => ({ column: 'c', equals: 'x'.repeat(length) }), 131_072],
    ['characters of two bytes', (length) => ({ column: 'c', equals: 'é'.repeat(length) }), 65_536],
    ['characters that are escaped', (length) => ({ column: 'c', equals: "'".repeat(length) }), 65_536],
    ['a list', (length) => ({ column: 'c', in: ['x'.repeat(length)] }), 131_068],
    ['numbers', (length) => ({ column: 'c', in: Array.from({ length }, () => 1) }), 65_535],
    ['a value of trusted SQL', (length) => trustedSql`lower(c) = ${'x'.repeat(length)}`, 131_072],
  ])('of the greatest length is sent, and one more is refused: %s', async (_, filter, atMost) => {
    const asks = client()
    expect(await refusalOf(filter(atMost), asks)).toBe('asked')
    expect(await refusalOf(filter(atMost + 1), asks)).toMatchObject({ code: 'invalid-spec' })
    expect(asks.asked).toHaveLength(1)
  })

  test('is sent in the body exactly where the URL takes it no more', async () => {
    const sent = async (...filters: readonly ExposureFilter[]): Promise<unknown> => {
      const asks = client()
      await fetchExposuresSummary(asks, specOf(...filters), window)
      return asks.asked[0]?.use_multipart_params
    }
    // 21 characters of the URL for each of 12: quotes and comma are encoded.
    expect(await sent({ column: 'c', in: values(6241, 12) })).toBe(undefined)
    expect(await sent({ column: 'c', in: values(6242, 12) })).toBe(true)
    expect(await sent({ column: 'c', in: values(7000, 12) })).toBe(true)
    // None too long by itself, and all of them longer than a URL may be.
    const filter = { column: 'c', equals: 'x'.repeat(130_000) }
    expect(await sent(...Array.from({ length: 7 }, () => filter))).toBe(undefined)
    expect(await sent(...Array.from({ length: 8 }, () => filter))).toBe(true)
  })

  test('is measured as the official clients write it', async () => {
    const asks = client()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: -40, max: 40 }),
        async (list, around) => {
          // Filled up with one more value to about the limit.
          const text = (all: readonly string[]): string =>
            `[${all.map((each) => `'${each.replaceAll(/[\\'\t\n\r]/g, '\\$&')}'`).join(',')}]`
          const room = 131_072 - Buffer.byteLength(text([...list, '']))
          const filled = [...list, 'x'.repeat(room + around)]
          expect(await refusalOf({ column: 'c', in: filled }, asks)).toEqual(
            around <= 0 ? 'asked' : expect.objectContaining({ code: 'invalid-spec' }),
          )
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test('that cannot be sent is misuse of a refresh, which claims nothing', async () => {
    const asks = client()
    await expect(
      refreshExposures({
        client: asks,
        spec: specOf({ column: 'c', in: values(9000, 12) }),
        experiment: { startedAt: window.startMs, endedAt: null },
        state: initialRefreshState,
        now: window.asOfMs,
      }),
    ).rejects.toMatchObject({ code: 'invalid-spec', details: { path: 'filter_1_in' } })
    expect(asks.asked).toEqual([])
  })
})
