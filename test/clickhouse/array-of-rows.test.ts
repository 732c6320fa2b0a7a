import { exposureSpec, exposureWindow } from 'first-exposure'
import { classifyFailure, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const row = (variant: string): string =>
  `{"quarantined":0,"variant":"${variant}","bucket":"2026-06-01 00:00:00","new_identities":7}`
const asked = async (text: string): Promise<unknown> =>
  await fetchExposuresSummary(
    { query: async () => ({ json: async () => [], text: async () => text }) },
    spec,
    window,
  ).then(
    ({ timeseries }) => timeseries.points.map(({ newIdentities }) => newIdentities),
    (error: unknown) => classifyFailure(error),
  )

// As output_format_json_array_of_rows writes it: the bytes that 26.7 sends.
describe('an answer as one array of all rows', () => {
  test.each([
    ['two rows', `[\n${row('a')},\n${row('b')}\n]\n`, [{ a: 7, b: 7 }]],
    ['one row', `[\n${row('a')}\n]\n`, [{ a: 7 }]],
    ['no rows', '[\n\n]\n', []],
    ['a key with a bracket', `[\n${row(']')},\n${row('[')}\n]\n`, [{ ']': 7, '[': 7 }]],
  ])('%s', async (_, text, points) => {
    expect(await asked(text)).toEqual(points)
  })

  test('as a client without text reads it', async () => {
    const text = `[\n${row('a')},\n${row('b')}\n]\n`
    const client = { query: async () => ({ json: async () => JSON.parse(text) as unknown }) }
    const { timeseries } = await fetchExposuresSummary(client, spec, window)
    expect(timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual([{ a: 7, b: 7 }])
  })

  test.each([
    ['cut in a row', `[\n${row('a')},\n${row('b').slice(0, 20)}`],
    ['cut between two rows', `[\n${row('a')},\n`],
    ['cut after the first line', '[\n'],
    ['cut before the bracket', `[\n${row('a')}\n`],
    ['cut before the last line feed', `[\n${row('a')}\n]`],
    ['followed by something else', `[\n${row('a')}\n]\n${row('b')}\n`],
    ['not opened', `${row('a')},\n${row('b')}\n]\n`],
  ])('%s', async (_, text) => {
    expect(await asked(text)).toMatchObject({ code: 'malformed-answer', transient: true })
  })

  test.each([
    [
      'as its last row',
      `[\n${row('a')}\n{"exception": "Code: 241. DB::Exception: Memory limit exceeded (MEMORY_LIMIT_EXCEEDED)"}\n]\n`,
    ],
    [
      'behind its rows',
      `[\n${row('a')},\nCode: 241. DB::Exception: Memory limit exceeded (MEMORY_LIMIT_EXCEEDED)\n`,
    ],
  ])('an exception %s', async (_, text) => {
    expect(await asked(text)).toMatchObject({ code: 'memory-limit', transient: true })
  })
})
