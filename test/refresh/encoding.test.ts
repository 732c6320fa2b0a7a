import { describe, expect, test } from 'vitest'
import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  reduceRefresh,
  summarizeExposures,
  type RefreshEvent,
  type RefreshState,
} from 'first-exposure'

const bucketMs = Date.UTC(2026, 5, 1)
const day = 86_400_000
const counted = (variant: string, bucketMs: number, newIdentities: number) => ({
  quarantined: false as const,
  variant,
  bucketMs,
  newIdentities,
})
const summary = summarizeExposures(
  [
    { quarantined: true, variant: null, bucketMs, newIdentities: 5 },
    counted('treatment', bucketMs, 98),
    counted('control', bucketMs, 100),
    counted('__proto__', bucketMs + 2 * day, 1),
  ],
  { granularity: 'day' },
)
const events: readonly RefreshEvent[] = [
  { type: 'requested', at: bucketMs + 3 * day },
  { type: 'succeeded', asOf: bucketMs + 3 * day, at: bucketMs + 3 * day + 2000, summary },
  {
    type: 'failed',
    asOf: bucketMs + 4 * day,
    at: bucketMs + 4 * day + 30_000,
    error: { code: 'memory-limit', transient: true, message: 'ClickHouse ran out of memory.' },
  },
]
const state = events.reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState)
const text =
  '{"failure":{"asOf":1780617600000,"at":1780617630000,"error":{"code":"memory-limit",' +
  '"message":"ClickHouse ran out of memory.","transient":true}},"requestedAt":1780531200000,"success":{' +
  '"asOf":1780531200000,"at":1780531202000,"summary":{"excludedIdentities":5,"timeseries":{"granularity":"day",' +
  '"points":[{"bucket":"2026-06-01T00:00:00.000Z","newIdentities":{"control":100,"treatment":98}},' +
  '{"bucket":"2026-06-03T00:00:00.000Z","newIdentities":{"__proto__":1}}],"timeZone":"UTC"}}},"version":1}'

/** The stored JSON with one place changed: a path of keys, and what is to stand there (`undefined` removes it). */
const changed = (path: readonly (string | number)[], value: unknown): string => {
  const root: unknown = JSON.parse(text)
  const holder = path.slice(0, -1).reduce<unknown>((at, key) => Reflect.get(at as object, key), root)
  Reflect.set(holder as object, path.at(-1) ?? '', value)
  return JSON.stringify(root)
}
const timeseries = ['success', 'summary', 'timeseries'] as const
const points = [...timeseries, 'points'] as const

describe('encodeRefreshState', () => {
  test('the initial state, byte for byte', () => {
    expect(encodeRefreshState(initialRefreshState)).toBe(
      '{"failure":null,"requestedAt":null,"success":null,"version":1}',
    )
  })

  test('a full state, byte for byte', () => {
    expect(encodeRefreshState(state)).toBe(text)
  })

  test('the order of the keys and a failure that is cleared leave no trace', () => {
    const { success, ...rest } = state
    const made = { success, ...rest, failure: { ...state.failure, asOf: 0 }, more: 1 } as RefreshState
    expect(encodeRefreshState(made)).toBe(encodeRefreshState({ ...state, failure: null }))
  })

  test('refuses what could not be decoded again, saying where', () => {
    const made = {
      ...state,
      success: { asOf: 1, at: 1, summary: { ...summary, excludedIdentities: -1 } },
    }
    expect(() => encodeRefreshState(made)).toThrow(
      expect.objectContaining({
        code: 'malformed-state',
        message:
          'The refresh state is malformed at success.summary.excludedIdentities: received -1. ' +
          'Pass a whole number from 0 to 2^53 - 1.',
      }),
    )
  })
})

describe('a state that says what it is about', () => {
  const question = { revision: 2, fingerprint: 'f00d', startedAt: bucketMs }
  const asked = reduceRefresh(state, { type: 'requested', at: bucketMs + 5 * day, question })
  const known = text.slice(0, -',"version":1}'.length)
  const stored = `{"earlier":[${known}}],"failure":null,"question":{"fingerprint":"f00d","revision":2,"startedAt":${bucketMs}},"requestedAt":${bucketMs + 5 * day},"success":null,"version":2}`

  test('is stored in version 2, byte for byte, which 0.1 refuses', () => {
    expect(encodeRefreshState(asked)).toBe(stored)
    expect(decodeRefreshState(stored)).toStrictEqual(asked)
  })

  test('whatever the order in which its questions stand', () => {
    const { earlier = [], ...latest } = asked
    const [before = latest] = earlier
    expect(encodeRefreshState({ ...before, earlier: [latest] })).toBe(stored)
  })

  test.each([
    ['question.revision', '"revision":2', '"revision":0'],
    ['question.revision', '"revision":2', '"revision":1.5'],
    ['question.fingerprint', '"fingerprint":"f00d"', '"fingerprint":""'],
    ['question.fingerprint', '"fingerprint":"f00d"', '"fingerprint":"a b"'],
    ['question.fingerprint', '"fingerprint":"f00d",', ''],
    ['question.startedAt', `"startedAt":${bucketMs}`, '"startedAt":null'],
    ['question', /"question":\{.*?\}/, '"question":null'],
    ['earlier', /"earlier":\[.*?\],"failure":null/, '"earlier":{},"failure":null'],
    ['earlier[0].requestedAt', '"requestedAt":1780531200000', '"requestedAt":"now"'],
    ['earlier[0].success.asOf', '"success":{"asOf":1780531200000', '"success":{"asOf":null'],
    ['earlier[0].failure.error.code', '"code":"memory-limit"', '"code":" "'],
  ])('refuses %s', (path, part, other) => {
    const damaged = stored.replace(part, other)
    expect(damaged).not.toBe(stored)
    expect(() => decodeRefreshState(damaged)).toThrow(
      expect.objectContaining({ code: 'malformed-state', details: expect.objectContaining({ path }) }),
    )
  })
})

describe('decodeRefreshState', () => {
  test('gives the state back, frozen through and through', () => {
    const decoded = decodeRefreshState(text)
    expect(decoded).toStrictEqual(state)
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every((item) => frozen(item)))
    expect(frozen(decoded)).toBe(true)
    expect(frozen(decodeRefreshState(encodeRefreshState(initialRefreshState)))).toBe(true)
  })

  test('a variant called __proto__ is a variant', () => {
    const counts = decodeRefreshState(text).success?.summary.timeseries.points[1]?.newIdentities
    expect(Object.entries(counts ?? {})).toStrictEqual([['__proto__', 1]])
  })

  test('fields that version 1 does not know are left out, wherever they stand', () => {
    for (const path of [
      ['more'],
      ['success', 'more'],
      ['failure', 'more'],
      ['failure', 'error', 'stack'],
      ['success', 'summary', 'more'],
      [...timeseries, 'more'],
      [...points, 0, 'more'],
      // What only version 2 knows.
      ['question'],
      ['earlier'],
    ]) {
      expect(encodeRefreshState(decodeRefreshState(changed(path, { any: 'thing' })))).toBe(text)
    }
  })

  test('a text laid out in another way is the same state', () => {
    expect(decodeRefreshState(JSON.stringify(JSON.parse(text), null, 2))).toStrictEqual(state)
  })

  test.each([3, 17, Number.MAX_SAFE_INTEGER])('version %d is refused whole', (version) => {
    const refusal = expect.objectContaining({
      code: 'unsupported-version',
      details: { path: 'version', received: String(version) },
    })
    expect(() => decodeRefreshState(changed(['version'], version))).toThrow(refusal)
    expect(() => decodeRefreshState(JSON.stringify({ version, anything: 'else' }))).toThrow(refusal)
  })

  test.each(['', '{', text.slice(0, -1), 'undefined'])('text that is not JSON is not quoted: %s', (cut) => {
    expect(() => decodeRefreshState(cut)).toThrow(
      expect.objectContaining({
        code: 'malformed-state',
        details: { path: 'state', received: `a text of ${cut.length} characters` },
        message:
          `The refresh state is malformed at state: a text of ${cut.length} characters is not JSON. ` +
          'Was it cut, or stored by something else?',
      }),
    )
  })

  test.each([['null'], ['[]'], ['"text"'], ['1']])('JSON of another shape: %s', (other) => {
    expect(() => decodeRefreshState(other)).toThrow(
      expect.objectContaining({
        code: 'malformed-state',
        details: expect.objectContaining({ path: 'state' }),
      }),
    )
  })

  test('what is no text at all', () => {
    for (const other of [null, undefined, state, new Uint8Array()]) {
      expect(() => decodeRefreshState(other as unknown as string)).toThrow(
        expect.objectContaining({ code: 'malformed-state' }),
      )
    }
  })

  const instants = [
    ['requestedAt'],
    ['success', 'asOf'],
    ['success', 'at'],
    ['failure', 'asOf'],
    ['failure', 'at'],
  ]

  test.each(instants)('an instant that is none, at %s.%s', (...path) => {
    for (const value of [undefined, '1780272000000', 1.5, 8.64e15 + 2, -8.64e15 - 2, true, {}]) {
      expect(() => decodeRefreshState(changed(path, value))).toThrow(
        expect.objectContaining({
          code: 'malformed-state',
          details: expect.objectContaining({ path: path.join('.') }),
        }),
      )
    }
  })

  test.each([
    ['version', ['version'], undefined],
    ['version', ['version'], 0],
    ['version', ['version'], '1'],
    ['version', ['version'], 1.5],
    ['success', ['success'], undefined],
    ['success', ['success'], []],
    ['success', ['success'], 'none'],
    ['failure', ['failure'], undefined],
    ['failure', ['failure'], 0],
    ['failure.error', ['failure', 'error'], null],
    ['failure.error.code', ['failure', 'error', 'code'], 241],
    ['failure.error.transient', ['failure', 'error', 'transient'], 'true'],
    ['failure.error.message', ['failure', 'error', 'message'], ''],
    ['success.summary', ['success', 'summary'], null],
    ['success.summary.excludedIdentities', ['success', 'summary', 'excludedIdentities'], -1],
    ['success.summary.excludedIdentities', ['success', 'summary', 'excludedIdentities'], '5'],
    ['success.summary.timeseries', timeseries, []],
    ['success.summary.timeseries.granularity', [...timeseries, 'granularity'], 'week'],
    ['success.summary.timeseries.timeZone', [...timeseries, 'timeZone'], 'Mars/Olympus'],
    ['success.summary.timeseries.timeZone', [...timeseries, 'timeZone'], '+02:00'],
    ['success.summary.timeseries.timeZone', [...timeseries, 'timeZone'], undefined],
    ['success.summary.timeseries.points', points, {}],
    ['success.summary.timeseries.points[1]', [...points, 1], null],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], undefined],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], bucketMs + day],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-06-03'],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-06-03T00:00:00Z'],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-06-03T00:00:00+00:00'],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-06-31T00:00:00.000Z'],
    // Not the start of a day; the same bucket again; an earlier one.
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-06-03T01:00:00.000Z'],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-06-01T00:00:00.000Z'],
    ['success.summary.timeseries.points[1].bucket', [...points, 1, 'bucket'], '2026-05-31T00:00:00.000Z'],
    ['success.summary.timeseries.points[0].newIdentities', [...points, 0, 'newIdentities'], [1]],
    ['success.summary.timeseries.points[0].newIdentities["a.b"]', [...points, 0, 'newIdentities', 'a.b'], -1],
    [
      'success.summary.timeseries.points[0].newIdentities["a.b"]',
      [...points, 0, 'newIdentities', 'a.b'],
      1.5,
    ],
    [
      'success.summary.timeseries.points[0].newIdentities["a.b"]',
      [...points, 0, 'newIdentities', 'a.b'],
      2 ** 53,
    ],
    [
      'success.summary.timeseries.points[0].newIdentities["a.b"]',
      [...points, 0, 'newIdentities', 'a.b'],
      '1',
    ],
  ])('refuses %s', (path, place, value) => {
    expect(() => decodeRefreshState(changed(place, value))).toThrow(
      expect.objectContaining({ code: 'malformed-state', details: expect.objectContaining({ path }) }),
    )
  })

  test('hours of a zone that is no whole number of hours off UTC are taken', () => {
    const summary = summarizeExposures([counted('control', bucketMs + 1_800_000, 1)], {
      granularity: 'hour',
      timeZone: 'Asia/Kolkata',
    })
    const state = reduceRefresh<typeof summary>(initialRefreshState, {
      type: 'succeeded',
      asOf: 1,
      at: 1,
      summary,
    })
    expect(decodeRefreshState(encodeRefreshState(state))).toStrictEqual(state)
  })
})
