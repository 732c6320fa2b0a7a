import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  reduceRefresh,
  refreshDecision,
  refreshStatus,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const instant = 'Expected whole epoch milliseconds, at most 8.64e15 either side of 1970.'
const count = 'Expected a whole number from 0 to 2^53 - 1.'
const identities = 'Expected a whole number from 1 to 2^53 - 1.'
const json =
  'Expected data that survives JSON: null, booleans, finite numbers, strings, arrays and plain objects, nested at ' +
  'most 100 deep.'

describe('what reduceRefresh says of an event that it refuses', () => {
  const error = { code: 'network', transient: true, message: 'No answer.' }
  const failed = { type: 'failed', asOf: 1, at: 2, error }
  const succeeded = { type: 'succeeded', asOf: 1, at: 2, summary: {} }
  const code = 'Expected 1 to 64 ASCII letters, digits, dots, hyphens and underscores.'
  const message = 'Expected 1 to 500 characters of well-formed Unicode.'

  test.each<[path: string, received: string, advice: string, event: unknown]>([
    ['event', 'null', 'Expected an object.', null],
    ['event', 'an array of 0', 'Expected an object.', []],
    ['event', '"requested"', 'Expected an object.', 'requested'],
    ['event.type', '"asked"', "Pass 'requested', 'succeeded' or 'failed'.", { type: 'asked', at: 1 }],
    ['event.at', '"now"', instant, { type: 'requested', at: 'now' }],
    ['event.at', '0.5', instant, { type: 'requested', at: 0.5 }],
    ['event.at', '8640000000000002', instant, { type: 'requested', at: 8.64e15 + 2 }],
    ['event.asOf', 'undefined', instant, { ...succeeded, asOf: undefined }],
    ['event.asOf', 'null', instant, { ...failed, asOf: null }],
    ['event.summary', 'undefined', json, { ...succeeded, summary: undefined }],
    ['event.summary.a[1]', 'NaN', json, { ...succeeded, summary: { a: [1, NaN] } }],
    ['event.summary.a.b', 'a function', json, { ...succeeded, summary: { a: { b: () => 1 } } }],
    ['event.summary', 'an object', json, { ...succeeded, summary: new Map() }],
    ['event.error', 'an array of 0', 'Expected an object.', { ...failed, error: [] }],
    ['event.error.code', '""', code, { ...failed, error: { ...error, code: '' } }],
    ['event.error.code', '"a b"', code, { ...failed, error: { ...error, code: 'a b' } }],
    ['event.error.code', '" a"', code, { ...failed, error: { ...error, code: ' a' } }],
    ['event.error.code', '"a "', code, { ...failed, error: { ...error, code: 'a ' } }],
    ['event.error.code', '241', code, { ...failed, error: { ...error, code: 241 } }],
    [
      'event.error.transient',
      '1',
      'Expected true or false.',
      { ...failed, error: { ...error, transient: 1 } },
    ],
    ['event.error.message', '""', message, { ...failed, error: { ...error, message: '' } }],
    ['event.error.message', '1', message, { ...failed, error: { ...error, message: 1 } }],
    [
      'event.error.message',
      'a string of 501 characters',
      message,
      { ...failed, error: { ...error, message: 'm'.repeat(501) } },
    ],
  ])('%s: received %s. %s', (path, received, advice, event) => {
    expect(refusalOf(() => reduceRefresh(initialRefreshState, event as never))).toEqual({
      code: 'invalid-event',
      message: `${path} is not usable: received ${received}. ${advice}`,
      details: { path, received },
    })
  })

  test('a summary that is nested to the limit is taken, and one level more is not', () => {
    const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)])
    const reduced = (depth: number): unknown =>
      reduceRefresh<unknown>(initialRefreshState, {
        type: 'succeeded',
        asOf: 1,
        at: 2,
        summary: nested(depth),
      })
    expect(refusalOf(() => reduced(99))).toMatchObject({ success: { asOf: 1, at: 2 } })
    expect(refusalOf(() => reduced(100))).toMatchObject({
      code: 'invalid-event',
      details: { path: `event.summary${'[0]'.repeat(100)}`, received: 'an array of 0' },
    })
  })
})

describe('what decodeRefreshState says of a text that it refuses', () => {
  const summary = {
    excludedIdentities: 5,
    timeseries: {
      granularity: 'day',
      timeZone: 'UTC',
      points: [
        { bucket: '2026-06-01T00:00:00.000Z', newIdentities: { control: 100 } },
        { bucket: '2026-06-02T00:00:00.000Z', newIdentities: { control: 1 } },
      ],
    },
  }
  const { timeseries } = summary
  const [first, second] = timeseries.points
  const success = { asOf: 1, at: 2, summary }
  const withTimeseries = (changes: object): unknown => ({
    success: { ...success, summary: { ...summary, timeseries: { ...timeseries, ...changes } } },
  })
  const bucket = 'Expected an instant written as 2026-06-01T00:00:00.000Z.'
  const zone = "Expected an IANA name such as 'UTC' or 'Europe/Madrid'."

  test.each<[path: string, received: string, advice: string, changes: unknown]>([
    ['version', '0', 'Expected a whole number, 1 or more.', { version: 0 }],
    ['version', '1.5', 'Expected a whole number, 1 or more.', { version: 1.5 }],
    ['version', '"1"', 'Expected a whole number, 1 or more.', { version: '1' }],
    ['requestedAt', 'undefined', instant, { requestedAt: undefined }],
    ['success', '"none"', 'Expected an object.', { success: 'none' }],
    ['success.asOf', 'null', instant, { success: { ...success, asOf: null } }],
    ['success.at', 'null', instant, { success: { ...success, at: null } }],
    ['success.summary', 'null', 'Expected an object.', { success: { ...success, summary: null } }],
    [
      'success.summary.excludedIdentities',
      '-1',
      count,
      { success: { ...success, summary: { ...summary, excludedIdentities: -1 } } },
    ],
    [
      'success.summary.timeseries',
      'null',
      'Expected an object.',
      { success: { ...success, summary: { ...summary, timeseries: null } } },
    ],
    [
      'success.summary.timeseries.granularity',
      '"week"',
      "Expected 'hour' or 'day'.",
      withTimeseries({ granularity: 'week' }),
    ],
    ['success.summary.timeseries.timeZone', '"+02:00"', zone, withTimeseries({ timeZone: '+02:00' })],
    ['success.summary.timeseries.points', 'null', 'Expected a list.', withTimeseries({ points: null })],
    ['success.summary.timeseries.points[0]', '1', 'Expected an object.', withTimeseries({ points: [1] })],
    [
      'success.summary.timeseries.points[0].bucket',
      '1',
      bucket,
      withTimeseries({ points: [{ ...first, bucket: 1 }] }),
    ],
    [
      'success.summary.timeseries.points[0].bucket',
      '"2026-06-01"',
      bucket,
      withTimeseries({ points: [{ ...first, bucket: '2026-06-01' }] }),
    ],
    [
      'success.summary.timeseries.points[0].bucket',
      '"2026-06-01T01:00:00.000Z"',
      'Expected the start of a UTC day.',
      withTimeseries({ points: [{ ...first, bucket: '2026-06-01T01:00:00.000Z' }] }),
    ],
    [
      'success.summary.timeseries.points[0].bucket',
      '"2026-06-01T01:01:00.000Z"',
      'Expected the start of a UTC hour.',
      withTimeseries({ granularity: 'hour', points: [{ ...first, bucket: '2026-06-01T01:01:00.000Z' }] }),
    ],
    [
      'success.summary.timeseries.points[1].bucket',
      '"2026-06-01T00:00:00.000Z"',
      'Expected a later bucket than the one before it.',
      withTimeseries({ points: [second, first] }),
    ],
    [
      'success.summary.timeseries.points[0].newIdentities',
      'null',
      'Expected an object.',
      withTimeseries({ points: [{ ...first, newIdentities: null }] }),
    ],
    [
      'success.summary.timeseries.points[0].newIdentities["a"]',
      '0',
      identities,
      withTimeseries({ points: [{ ...first, newIdentities: { a: 0 } }] }),
    ],
    [
      'success.summary.timeseries.points[0].newIdentities',
      'an object',
      'Expected one variant or more.',
      withTimeseries({ points: [{ ...first, newIdentities: {} }] }),
    ],
    ['failure', '0', 'Expected an object.', { failure: 0 }],
    ['failure.asOf', 'null', instant, { failure: { asOf: null, at: 2, error: {} } }],
    ['failure.at', 'null', instant, { failure: { asOf: 1, at: null, error: {} } }],
    ['failure.error', 'null', 'Expected an object.', { failure: { asOf: 1, at: 2, error: null } }],
  ])('%s: received %s. %s', (path, received, advice, changes) => {
    const stored = { version: 1, requestedAt: null, success: null, failure: null, ...(changes as object) }
    const expected = {
      code: 'malformed-state',
      message: `The refresh state is malformed at ${path}: received ${received}. ${advice}`,
      details: { path, received },
    }
    expect(refusalOf(() => decodeRefreshState(JSON.stringify(stored)))).toEqual(expected)
    if (path !== 'version') expect(refusalOf(() => encodeRefreshState(stored as never))).toEqual(expected)
  })

  test('of what is no state, and of no text', () => {
    expect(refusalOf(() => decodeRefreshState('[]'))).toEqual({
      code: 'malformed-state',
      message: 'The refresh state is malformed at state: received an array of 0. Expected an object.',
      details: { path: 'state', received: 'an array of 0' },
    })
    expect(refusalOf(() => decodeRefreshState(null as never))).toEqual({
      code: 'malformed-state',
      message:
        'The refresh state is malformed at state: received null. Pass the text that encodeRefreshState returned.',
      details: { path: 'state', received: 'null' },
    })
  })

  test('of a later version', () => {
    expect(refusalOf(() => decodeRefreshState('{"version":2}'))).toEqual({
      code: 'unsupported-version',
      message:
        'The refresh state was stored in version 2; this release reads version 1. ' +
        'Upgrade first-exposure on this host, and leave the stored state as it is.',
      details: { version: 2 },
    })
  })
})

describe('what a policy and the instants are refused with', () => {
  test('a field of the policy that is undefined is left out', () => {
    const state = reduceRefresh(initialRefreshState, { type: 'requested', at: 1 })
    for (const ask of [refreshDecision, refreshStatus]) {
      const policy = { throttleMs: undefined, presumedLostAfterMs: undefined } as object
      expect(ask(state, { startedAt: 0, endedAt: null }, 2, policy)).toEqual(
        ask(state, { startedAt: 0, endedAt: null }, 2),
      )
    }
  })

  const running = { startedAt: 0, endedAt: null }
  const fields = 'A policy has the fields throttleMs, presumedLostAfterMs, settleMs.'
  const wait = 'Pass whole milliseconds, 0 or more.'

  test.each<[field: string, received: string, advice: string, value: unknown]>([
    ['cooldownMs', '1', fields, 1],
    ['toString', '1', fields, 1],
    ['settleMs', '-1', wait, -1],
    ['throttleMs', '0.5', wait, 0.5],
    ['presumedLostAfterMs', 'null', wait, null],
  ])('policy.%s: received %s. %s', (field, received, advice, value) => {
    for (const ask of [refreshDecision, refreshStatus]) {
      expect(refusalOf(() => ask(initialRefreshState, running, 1, { [field]: value }))).toEqual({
        code: 'invalid-policy',
        message: `policy.${field} is not usable: received ${received}. ${advice}`,
        details: { field, received },
      })
    }
  })

  test.each([
    ['now', running, NaN],
    ['experiment.startedAt', { startedAt: NaN, endedAt: null }, 1],
    ['experiment.endedAt', { startedAt: 0, endedAt: NaN }, 1],
  ])('%s', (name, experiment, now) => {
    for (const ask of [refreshDecision, refreshStatus]) {
      expect(refusalOf(() => ask(initialRefreshState, experiment, now))).toMatchObject({
        code: 'invalid-instant',
        message: expect.stringMatching(new RegExp(`^${name} is not an instant: received NaN\\. `)),
        details: { name, received: 'NaN' },
      })
    }
  })
})
