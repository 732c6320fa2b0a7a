import { describe, expect, test } from 'vitest'
import {
  initialRefreshState,
  reduceRefresh,
  refreshDecision,
  refreshStatus,
  summarizeExposures,
  type ExposuresSummary,
  type RefreshEvent,
  type RefreshState,
} from 'first-exposure'
import {
  readFlagsmithExposures,
  writeFlagsmithExposures,
  type FlagsmithExposures,
} from 'first-exposure/flagsmith'

const start = Date.UTC(2026, 5, 1)
const hour = 3_600_000
const day = 24 * hour
const running = { startedAt: start, endedAt: null }
const end = start + 14 * day
const ended = { startedAt: start, endedAt: end }

const counted = (variant: string, bucketMs: number, newIdentities: number) => ({
  quarantined: false as const,
  variant,
  bucketMs,
  newIdentities,
})
const summary = summarizeExposures(
  [
    { quarantined: true, variant: null, bucketMs: start, newIdentities: 5 },
    counted('control', start, 100),
    counted('treatment', start + day, 98),
  ],
  { granularity: 'day' },
)
const error = { code: 'network', transient: true, message: 'ClickHouse could not be reached.' }
const succeeded = (asOf: number, at: number): RefreshEvent => ({ type: 'succeeded', asOf, at, summary })
const failed = (asOf: number, at: number): RefreshEvent => ({ type: 'failed', asOf, at, error })
const requested = (at: number): RefreshEvent => ({ type: 'requested', at })
const reduced = (...events: readonly RefreshEvent[]): RefreshState =>
  events.reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState)
const ofSummary = (summary: ExposuresSummary): RefreshState =>
  reduceRefresh<ExposuresSummary>(initialRefreshState, { type: 'succeeded', asOf: end, at: end, summary })

const payload =
  '{"excluded_identities":5,"timeseries":{"granularity":"day","points":[' +
  '{"bucket":"2026-06-01T00:00:00+00:00","new_identities":{"control":100}},' +
  '{"bucket":"2026-06-02T00:00:00+00:00","new_identities":{"treatment":98}}]}}'
const empty: FlagsmithExposures = {
  as_of: null,
  last_error_at: null,
  refresh_requested_at: null,
  payload: null,
  is_final: false,
}
const row = {
  ...empty,
  as_of: '2026-06-15T00:00:00Z',
  payload: JSON.parse(payload) as unknown,
}

const point = (bucket: unknown, new_identities: unknown = { control: 1 }): unknown => ({
  excluded_identities: 0,
  timeseries: {
    granularity: 'day',
    points: [
      { bucket: '2026-06-01T00:00:00+00:00', new_identities: {} },
      { bucket, new_identities },
    ],
  },
})

describe('writeFlagsmithExposures', () => {
  test('a full row, byte for byte', () => {
    const at = start + 3 * day
    const state = reduced(requested(at + hour), succeeded(at, at + 2000), failed(at + hour, at + hour + 1234))
    expect(JSON.stringify(writeFlagsmithExposures(state, running))).toBe(
      '{"as_of":"2026-06-04T00:00:00Z","last_error_at":"2026-06-04T01:00:01.234000Z",' +
        `"refresh_requested_at":"2026-06-04T01:00:00Z","payload":${payload},"is_final":false}`,
    )
  })

  test('hours, byte for byte', () => {
    const hourly = summarizeExposures([counted('control', start + 5 * hour, 1)], { granularity: 'hour' })
    expect(JSON.stringify(writeFlagsmithExposures(ofSummary(hourly), running).payload)).toBe(
      '{"excluded_identities":0,"timeseries":{"granularity":"hour","points":[' +
        '{"bucket":"2026-06-01T05:00:00+00:00","new_identities":{"control":1}}]}}',
    )
  })

  test('nothing yet, byte for byte', () => {
    expect(JSON.stringify(writeFlagsmithExposures(initialRefreshState, running))).toBe(
      '{"as_of":null,"last_error_at":null,"refresh_requested_at":null,"payload":null,"is_final":false}',
    )
  })

  test.each([
    [end + hour, {}, true],
    [end + hour - 1, {}, false],
    [end, { settleMs: 0 }, true],
  ])(
    'of a success that covers all and was made at %d, the row says when, and whether it is final',
    (at, policy, final) => {
      const written = writeFlagsmithExposures(reduced(succeeded(end, at)), ended, policy)
      expect(Date.parse(written.as_of ?? '')).toBe(at)
      expect(written.is_final).toBe(final)
    },
  )

  test('a success that does not cover all reaches to its asOf and no further, whenever it was made', () => {
    const written = writeFlagsmithExposures(reduced(succeeded(end - 1000, end + 2 * hour)), ended)
    expect(written.as_of).toBe('2026-06-14T23:59:59Z')
    expect(written.is_final).toBe(false)
  })

  test('an error that the success has cleared is not written', () => {
    expect(
      writeFlagsmithExposures(reduced(failed(start, start + 1), succeeded(end, end)), ended).last_error_at,
    ).toBe(null)
  })

  test('is frozen through and through', () => {
    const written = writeFlagsmithExposures(reduced(succeeded(end, end)), ended)
    const point = written.payload?.timeseries.points[0]
    for (const part of [written, written.payload, point, point?.new_identities]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test.each([
    [
      'another time zone',
      ofSummary(
        summarizeExposures([counted('a', start, 1)], { granularity: 'day', timeZone: 'Europe/Madrid' }),
      ),
      'success.summary.timeseries.timeZone',
    ],
    [
      'NUL in a key',
      ofSummary(summarizeExposures([counted('a\0', start, 1)], { granularity: 'day' })),
      'success.summary.timeseries.points[0].newIdentities',
    ],
    [
      'a lone surrogate in a key',
      ofSummary(summarizeExposures([counted('\ud800', start, 1)], { granularity: 'day' })),
      'success.summary.timeseries.points[0].newIdentities',
    ],
    [
      'a bucket after the year 9999',
      ofSummary(summarizeExposures([counted('a', Date.UTC(10_000, 0), 1)], { granularity: 'day' })),
      'success.summary.timeseries.points[0].bucket',
    ],
    ['a request after the year 9999', reduced(requested(Date.UTC(10_000, 0))), 'requestedAt'],
    ['a request in the year 0', reduced(requested(-62_167_219_200_000)), 'requestedAt'],
    ['a failure before the year 1', reduced(failed(0, Date.UTC(0, 0) - 2000 * 366 * day)), 'failure.at'],
  ])('refuses %s', (_, state, path) => {
    expect(() => writeFlagsmithExposures(state, running)).toThrow(
      expect.objectContaining({ code: 'not-expressible', details: expect.objectContaining({ path }) }),
    )
  })

  test('writes the last day of the year 9999', () => {
    const written = writeFlagsmithExposures(reduced(requested(Date.UTC(9999, 11, 31))), running)
    expect(written.refresh_requested_at).toBe('9999-12-31T00:00:00Z')
  })

  // As a later Flagsmith might store it.
  const grown = {
    ...row,
    id: 7,
    exposures_timeseries: { granularity: 'day', points: [{ bucket: 'x', new_identities: { a: 1 } }] },
    payload: {
      excluded_identities: 5,
      exposures_timeseries: { granularity: 'hour', points: [] },
      srm_p_value: null,
      timeseries: { ...(JSON.parse(payload) as { timeseries: object }).timeseries, time_zone: 'UTC' },
    },
    ['__proto__']: { a: 1 },
  }

  test('members that this library does not know are written again as they were', () => {
    const stored = JSON.parse(JSON.stringify(grown)) as typeof grown
    const state = reduced(succeeded(end - day, end - day), requested(end))
    const written = writeFlagsmithExposures(state, running, {}, stored)
    const known = writeFlagsmithExposures(state, running)
    expect(JSON.parse(JSON.stringify(written))).toEqual({
      ...stored,
      ...known,
      payload: {
        ...stored.payload,
        ...known.payload,
        timeseries: { ...stored.payload.timeseries, ...known.payload?.timeseries },
      },
    })
    // What this library knows comes first, as it does without them.
    expect(JSON.stringify(written)).toContain(JSON.stringify(known).slice(0, 60))
    expect(Object.keys(written)).toEqual([...Object.keys(known), 'id', 'exposures_timeseries', '__proto__'])
    expect(Object.isFrozen((written as unknown as typeof grown).payload.exposures_timeseries)).toBe(true)
    // The row that came in is nobody else's: it stays as it was.
    expect(stored).toEqual(JSON.parse(JSON.stringify(grown)))
    expect(Object.isFrozen(stored.payload.exposures_timeseries)).toBe(false)
  })

  test('read and written again, a row with such members is the same row', () => {
    const stored = JSON.parse(JSON.stringify(grown)) as typeof grown
    const state = readFlagsmithExposures(stored, running)
    expect(state.success?.summary).toStrictEqual(summary)
    expect(JSON.parse(JSON.stringify(writeFlagsmithExposures(state, running, {}, stored)))).toEqual(stored)
  })

  test('where nothing was computed yet, the members of the row are kept all the same', () => {
    const written = writeFlagsmithExposures(
      initialRefreshState,
      running,
      {},
      { ...empty, id: 7, payload: null },
    )
    expect(written).toEqual({ ...empty, id: 7 })
  })

  test('refuses what is no row to keep members of', () => {
    expect(() => writeFlagsmithExposures(initialRefreshState, running, {}, 'row')).toThrow(
      expect.objectContaining({ code: 'malformed-state', details: { path: 'stored', received: '"row"' } }),
    )
  })

  const circular: { self?: unknown } = {}
  circular.self = circular
  test.each<[what: string, stored: unknown]>([
    ['a bigint', { id: 1n }],
    ['a bigint in the payload', { payload: { timeseries: { total: 1n } } }],
    ['a circle', circular],
    ['what becomes a text', { toJSON: () => 'row' }],
  ])('refuses a row that JSON cannot hold: %s', (_, stored) => {
    const refusal = {
      code: 'malformed-state',
      message: 'The row cannot be written as JSON. Pass the row as JSON.parse returns it.',
      details: { path: 'stored', received: 'an object' },
    }
    for (const state of [initialRefreshState, ofSummary(summary)])
      expect(() => writeFlagsmithExposures(state, running, {}, stored)).toThrow(
        expect.objectContaining(refusal),
      )
  })

  test('refuses a state that is none', () => {
    expect(() => writeFlagsmithExposures({ ...initialRefreshState, requestedAt: 0.5 }, running)).toThrow(
      expect.objectContaining({ code: 'malformed-state' }),
    )
  })
})

describe('a row that says what it is about', () => {
  const asked = { ...running, fingerprint: 'f00d' }
  const question = { revision: 3, fingerprint: 'f00d', startedAt: start }
  const at = start + 3 * day
  const state = reduceRefresh<ExposuresSummary>(reduced(requested(at)), {
    type: 'succeeded',
    asOf: at,
    at,
    summary,
    question,
  })
  const written = writeFlagsmithExposures(state, asked)

  test('keeps it in its payload, and is read as that', () => {
    expect(JSON.parse(JSON.stringify(written))).toMatchObject({
      payload: {
        question: { revision: 3, fingerprint: 'f00d', started_at: '2026-06-01T00:00:00Z' },
        excluded_identities: 5,
      },
    })
    const read = readFlagsmithExposures(JSON.parse(JSON.stringify(written)), running)
    expect(read).toMatchObject({ question, success: { asOf: at } })
    expect(refreshStatus(read, asked, at).type).toBe('loaded')
    expect(refreshStatus(read, { ...asked, fingerprint: 'beef' }, at).type).toBe('outdated')
    expect(writeFlagsmithExposures(read, asked)).toStrictEqual(written)
  })

  test('is about what its experiment asks: an answer to another question is not in it', () => {
    expect(writeFlagsmithExposures(state, { ...asked, fingerprint: 'beef' })).toStrictEqual(empty)
    // Nor does what was asked before stay beside an answer of which nobody knows what it is about.
    const before = { payload: { question: { revision: 9 }, theirs: 1 } }
    const unsaid = reduced(succeeded(at, at))
    expect(writeFlagsmithExposures(unsaid, running, {}, before).payload).not.toHaveProperty('question')
    expect(writeFlagsmithExposures(unsaid, running, {}, before).payload).toHaveProperty('theirs', 1)
  })

  test('that Flagsmith wrote does not say it: a refresh asks once', () => {
    const { question: _, ...theirs } = written.payload as object & { question?: unknown }
    const read = readFlagsmithExposures(JSON.parse(JSON.stringify({ ...written, payload: theirs })), running)
    expect(read.question).toBeUndefined()
    expect(refreshDecision(read, asked, at + 600_000).type).toBe('due')
    expect(refreshStatus(read, asked, at + 600_000).type).toBe('outdated')
  })

  test.each([
    ['payload.question', null],
    ['payload.question.revision', { revision: 0, fingerprint: 'f00d', started_at: '2026-06-01T00:00:00Z' }],
    ['payload.question.started_at', { revision: 1, fingerprint: 'f00d', started_at: 1780272000000 }],
    ['payload.question.started_at', { revision: 1, fingerprint: 'f00d', started_at: null }],
  ])('refuses %s', (path, damaged) => {
    const row = { ...written, payload: { ...written.payload, question: damaged } }
    expect(() => readFlagsmithExposures(row, running)).toThrow(
      expect.objectContaining({ code: 'malformed-state', details: expect.objectContaining({ path }) }),
    )
  })
})

describe('readFlagsmithExposures', () => {
  test('a row of a running experiment', () => {
    const read = readFlagsmithExposures(
      {
        ...row,
        last_error_at: '2026-06-15T01:00:00.123456Z',
        refresh_requested_at: '2026-06-15T02:59:59.5+02:00',
      },
      running,
    )
    expect(read).toStrictEqual({
      requestedAt: Date.UTC(2026, 5, 15, 0, 59, 59, 500),
      success: { asOf: end, at: end, summary },
      failure: {
        asOf: end + hour + 123,
        at: end + hour + 123,
        error: { code: 'unknown', transient: false, message: 'The last refresh failed.' },
      },
    })
  })

  test('an empty row is the initial state', () => {
    expect(readFlagsmithExposures(empty, running)).toStrictEqual(initialRefreshState)
  })

  test('a row as it is stored, with other columns and without is_final', () => {
    const { is_final: _, ...stored } = row
    expect(readFlagsmithExposures({ ...stored, id: 7 }, running).success?.summary).toStrictEqual(summary)
  })

  test('a row of after the end reaches to the end, so that our own refreshes replace it', () => {
    const at = end + 10 * 60_000
    const read = readFlagsmithExposures(
      {
        ...row,
        as_of: new Date(at).toISOString(),
        last_error_at: new Date(at + 1).toISOString(),
        is_final: true,
      },
      ended,
    )
    expect(read.success).toMatchObject({ asOf: end, at })
    expect(read.failure).toMatchObject({ asOf: end, at: at + 1 })
    // Flagsmith's own word is not taken for it: made ten minutes after the end, it is refreshed once more.
    expect(refreshDecision(read, ended, end + hour)).toStrictEqual({ type: 'due' })
    const settled = reduceRefresh(read, succeeded(end, end + hour))
    expect(refreshStatus(settled, ended, end + hour).type).toBe('final')
  })

  test.each([
    ['2026-06-14T23:59:59.999Z', 'loaded'],
    ['2026-06-15T00:00:00Z', 'loaded'],
    ['2026-06-15T00:00:00.001Z', 'stale'],
  ])('an error at %s beside an as_of of 2026-06-15T00:00:00Z is %s', (last_error_at, type) => {
    for (const experiment of [running, ended]) {
      const read = readFlagsmithExposures({ ...row, last_error_at }, experiment)
      expect(refreshStatus(read, experiment, end + 10).type).toBe(type)
    }
  })

  test('counts of 0 are left out, and points that hold nothing else', () => {
    const points = [
      { bucket: '2026-06-01T00:00:00+00:00', new_identities: { control: 0, treatment: 2 } },
      { bucket: '2026-06-02T00:00:00+00:00', new_identities: { control: 0 } },
      { bucket: '2026-06-03T00:00:00+00:00', new_identities: {} },
    ]
    const read = readFlagsmithExposures(
      { ...row, payload: { excluded_identities: 0, timeseries: { granularity: 'day', points } } },
      running,
    )
    expect(read.success?.summary.timeseries.points).toStrictEqual([
      { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { treatment: 2 } },
    ])
  })

  test('a bucket without an offset is in UTC, and is written with one', () => {
    const without = JSON.parse(payload.replaceAll('+00:00', '')) as unknown
    const read = readFlagsmithExposures({ ...row, payload: without }, running)
    expect(read).toStrictEqual(readFlagsmithExposures(row, running))
    expect(JSON.stringify(writeFlagsmithExposures(read, running).payload)).toBe(payload)
  })

  test.each([
    ['row', null],
    ['row', [row]],
    ['row', JSON.stringify(row)],
    ['as_of', { ...row, as_of: undefined }],
    ['as_of', { ...row, as_of: null }],
    ['as_of', { ...row, payload: null }],
    ['as_of', { ...row, as_of: '2026-06-15T00:00:00' }],
    ['as_of', { ...row, as_of: end }],
    ['last_error_at', { ...row, last_error_at: '' }],
    ['last_error_at', { ...row, last_error_at: undefined }],
    ['refresh_requested_at', { ...row, refresh_requested_at: 'yesterday' }],
    ['refresh_requested_at', { ...row, refresh_requested_at: '2026-06-31T00:00:00Z' }],
    ['is_final', { ...row, is_final: 'false' }],
    ['payload', { ...row, payload: 'none' }],
    ['payload.excluded_identities', { ...row, payload: {} }],
    ['payload.timeseries', { ...row, payload: { excluded_identities: 0 } }],
    [
      'payload.exposures_timeseries',
      {
        ...row,
        payload: { srm_p_value: 0.4, metrics: [], exposures_timeseries: { granularity: 'day', points: [] } },
      },
    ],
    ['payload.timeseries.granularity', { ...row, payload: { excluded_identities: 0, timeseries: {} } }],
    [
      'payload.timeseries.points',
      { ...row, payload: { excluded_identities: 0, timeseries: { granularity: 'day' } } },
    ],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-02T00:00:00.000Z') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-02T00:00:00Z') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-02T02:00:00+02:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-02T00:00:00+00:00+00:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-02 00:00:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-01T00:00:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-02T01:00:00+00:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-06-01T00:00:00+00:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point('2026-02-30T00:00:00+00:00') }],
    ['payload.timeseries.points[1].bucket', { ...row, payload: point(null) }],
    [
      'payload.timeseries.points[1].new_identities',
      { ...row, payload: point('2026-06-02T00:00:00+00:00', null) },
    ],
    [
      'payload.timeseries.points[1].new_identities["a"]',
      { ...row, payload: point('2026-06-02T00:00:00+00:00', { a: -1 }) },
    ],
  ])('refuses %s', (path, malformed) => {
    expect(() => readFlagsmithExposures(malformed, running)).toThrow(
      expect.objectContaining({ code: 'malformed-state', details: expect.objectContaining({ path }) }),
    )
  })
})
