import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  refreshDecision,
  refreshQuestion,
  refreshStatus,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf, refused } from '../refusal-of.js'

const instant = 'Pass whole epoch milliseconds, at most 8.64e15 either side of 1970.'
const count = 'Pass a whole number from 0 to 2^53 - 1.'
const identities = 'Pass whole numbers, 0 or more, that add up to 2^53 - 1 or less.'
const object = 'Pass an object.'
const json =
  'Pass data that survives JSON: null, booleans, finite numbers, strings, arrays and plain objects, nested at ' +
  'most 100 deep.'

describe('what reduceRefresh says of an event that it refuses', () => {
  const error = { code: 'network', transient: true, message: 'No answer.' }
  const failed = { type: 'failed', asOf: 1, at: 2, error }
  const succeeded = { type: 'succeeded', asOf: 1, at: 2, summary: {} }
  const code = 'Pass 1 to 64 ASCII letters, digits, dots, hyphens and underscores.'
  const message = 'Pass 1 to 500 characters of well-formed Unicode.'

  test.each<[path: string, received: string, advice: string, event: unknown]>([
    ['event', 'null', object, null],
    ['event', 'an array of 0', object, []],
    ['event', '"requested"', object, 'requested'],
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
    ['event.error', 'an array of 0', object, { ...failed, error: [] }],
    ['event.error.code', '""', code, { ...failed, error: { ...error, code: '' } }],
    ['event.error.code', '"a b"', code, { ...failed, error: { ...error, code: 'a b' } }],
    ['event.error.code', '" a"', code, { ...failed, error: { ...error, code: ' a' } }],
    ['event.error.code', '"a "', code, { ...failed, error: { ...error, code: 'a ' } }],
    ['event.error.code', '241', code, { ...failed, error: { ...error, code: 241 } }],
    ['event.error.transient', '1', 'Pass true or false.', { ...failed, error: { ...error, transient: 1 } }],
    ['event.error.message', '""', message, { ...failed, error: { ...error, message: '' } }],
    ['event.error.message', '1', message, { ...failed, error: { ...error, message: 1 } }],
    [
      'event.error.message',
      'a string of 501 characters',
      message,
      { ...failed, error: { ...error, message: 'm'.repeat(501) } },
    ],
  ])('%s: received %s. %s', (path, received, advice, event) => {
    expect(refusalOf(() => reduceRefresh(initialRefreshState, event as never))).toEqual(
      refused('invalid-event', path, received, advice),
    )
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
  const bucket = 'Pass an instant written as 2026-06-01T00:00:00.000Z.'
  const zone = "Pass an IANA name such as 'UTC' or 'Europe/Madrid'."

  test.each<[path: string, received: string, advice: string, changes: unknown]>([
    ['version', '0', 'Pass a whole number from 1 to 2^53 - 1.', { version: 0 }],
    ['version', '1.5', 'Pass a whole number from 1 to 2^53 - 1.', { version: 1.5 }],
    ['version', '"1"', 'Pass a whole number from 1 to 2^53 - 1.', { version: '1' }],
    ['requestedAt', 'undefined', instant, { requestedAt: undefined }],
    ['success', '"none"', object, { success: 'none' }],
    ['success.asOf', 'null', instant, { success: { ...success, asOf: null } }],
    ['success.at', 'null', instant, { success: { ...success, at: null } }],
    ['success.summary', 'null', object, { success: { ...success, summary: null } }],
    [
      'success.summary.excludedIdentities',
      '-1',
      count,
      { success: { ...success, summary: { ...summary, excludedIdentities: -1 } } },
    ],
    [
      'success.summary.timeseries',
      'null',
      object,
      { success: { ...success, summary: { ...summary, timeseries: null } } },
    ],
    [
      'success.summary.timeseries.granularity',
      '"week"',
      "Pass 'hour' or 'day'.",
      withTimeseries({ granularity: 'week' }),
    ],
    ['success.summary.timeseries.timeZone', '"+02:00"', zone, withTimeseries({ timeZone: '+02:00' })],
    ['success.summary.timeseries.points', 'null', 'Pass an array.', withTimeseries({ points: null })],
    ['success.summary.timeseries.points[0]', '1', object, withTimeseries({ points: [1] })],
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
      'Pass the start of a UTC day.',
      withTimeseries({ points: [{ ...first, bucket: '2026-06-01T01:00:00.000Z' }] }),
    ],
    [
      'success.summary.timeseries.points[0].bucket',
      '"2026-06-01T01:01:00.000Z"',
      'Pass the start of a UTC hour.',
      withTimeseries({ granularity: 'hour', points: [{ ...first, bucket: '2026-06-01T01:01:00.000Z' }] }),
    ],
    [
      'success.summary.timeseries.points[1].bucket',
      '"2026-06-01T00:00:00.000Z"',
      'Pass the points in the order of time.',
      withTimeseries({ points: [second, first] }),
    ],
    [
      'success.summary.timeseries.points[0].newIdentities',
      'null',
      object,
      withTimeseries({ points: [{ ...first, newIdentities: null }] }),
    ],
    [
      'success.summary.timeseries.points[0].newIdentities["a"]',
      '-1',
      identities,
      withTimeseries({ points: [{ ...first, newIdentities: { a: -1 } }] }),
    ],
    ['failure', '0', object, { failure: 0 }],
    ['failure.asOf', 'null', instant, { failure: { asOf: null, at: 2, error: {} } }],
    ['failure.at', 'null', instant, { failure: { asOf: 1, at: null, error: {} } }],
    ['failure.error', 'null', object, { failure: { asOf: 1, at: 2, error: null } }],
  ])('%s: received %s. %s', (path, received, advice, changes) => {
    const stored = { version: 1, requestedAt: null, success: null, failure: null, ...(changes as object) }
    const problem =
      received === 'undefined'
        ? `${path} is required.`
        : `The refresh state is malformed at ${path}: received ${received}.`
    const expected = refused('malformed-state', path, received, advice, problem)
    expect(refusalOf(() => decodeRefreshState(JSON.stringify(stored)))).toEqual(expected)
    if (path !== 'version') expect(refusalOf(() => encodeRefreshState(stored as never))).toEqual(expected)
  })

  test('of what is no state, and of no text', () => {
    expect(refusalOf(() => decodeRefreshState('[]'))).toEqual({
      code: 'malformed-state',
      message: 'The refresh state is malformed at state: received an array of 0. Pass an object.',
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
    expect(refusalOf(() => decodeRefreshState('{"version":3}'))).toEqual({
      code: 'unsupported-version',
      message:
        'The refresh state was stored in version 3; this release reads versions 1 and 2. ' +
        'Upgrade first-exposure on this host, and leave the stored state as it is.',
      details: { path: 'version', received: '3' },
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
  const fields = 'The fields are throttleMs, presumedLostAfterMs, settleMs.'

  test.each<[path: string, received: string, advice: string, policy: unknown, problem?: string]>([
    ['policy.cooldownMs', 'a number', fields, { cooldownMs: 1 }, 'Unknown field policy.cooldownMs.'],
    ['policy.toString', 'a number', fields, { toString: 1 }, 'Unknown field policy.toString.'],
    [
      'policy.settelMs',
      'a number',
      fields,
      { settelMs: 1 },
      'Unknown field policy.settelMs; did you mean policy.settleMs?',
    ],
    ['policy.settleMs', '-1', count, { settleMs: -1 }],
    ['policy.throttleMs', '0.5', count, { throttleMs: 0.5 }],
    ['policy.presumedLostAfterMs', 'null', count, { presumedLostAfterMs: null }],
    ['policy', 'null', 'Pass an object with the fields throttleMs, presumedLostAfterMs, settleMs.', null],
  ])('%s: received %s. %s', (path, received, advice, policy, problem) => {
    for (const ask of [refreshDecision, refreshStatus]) {
      expect(refusalOf(() => ask(initialRefreshState, running, 1, policy as object))).toEqual(
        refused('invalid-policy', path, received, advice, problem),
      )
    }
  })

  test('what is not an experiment', () => {
    for (const ask of [refreshDecision, refreshStatus]) {
      expect(refusalOf(() => ask(initialRefreshState, undefined as never, 1))).toEqual(
        refused('invalid-instant', 'experiment', 'undefined', object),
      )
    }
  })

  test.each([
    ['now', running, NaN],
    ['experiment.startedAt', { startedAt: NaN, endedAt: null }, 1],
    ['experiment.endedAt', { startedAt: 0, endedAt: NaN }, 1],
  ])('%s', (path, experiment, now) => {
    for (const ask of [refreshDecision, refreshStatus]) {
      expect(refusalOf(() => ask(initialRefreshState, experiment, now))).toMatchObject({
        code: 'invalid-instant',
        message: expect.stringMatching(new RegExp(`^${path} is not an instant: received NaN\\. `)),
        details: { path, received: 'NaN' },
      })
    }
  })
})

describe('what is said of a state that a store made from something else', () => {
  const run = { asOf: 1, at: 2 }
  const error = { code: 'network', transient: true, message: 'No answer.' }
  const question = { revision: 1, fingerprint: 'a', startedAt: 0 }
  const state = 'Pass initialRefreshState, or a state that this library returned.'
  const returned = 'Pass a state that this library returned.'
  const string = 'Pass a string.'

  test.each<[path: string, received: string, advice: string, changes: object]>([
    ['earlier', '5', 'Pass an array.', { earlier: 5 }],
    ['earlier[0]', 'null', state, { earlier: [null] }],
    ['earlier[1]', 'an object', state, { earlier: [initialRefreshState, {}] }],
    ['earlier[0].requestedAt', '"1"', instant, { earlier: [{ ...initialRefreshState, requestedAt: '1' }] }],
    ['requestedAt', '"1781049600000"', instant, { requestedAt: '1781049600000' }],
    ['requestedAt', 'undefined', instant, { requestedAt: undefined }],
    ['success', '7', object, { success: 7 }],
    ['success.asOf', '"1"', instant, { success: { ...run, asOf: '1', summary: {} } }],
    ['success.at', 'NaN', instant, { success: { ...run, at: NaN, summary: {} } }],
    ['success.summary', 'undefined', returned, { success: run }],
    ['failure', 'undefined', object, { failure: undefined }],
    ['failure.at', 'null', instant, { failure: { ...run, at: null, error } }],
    ['failure.error', 'undefined', returned, { failure: run }],
    ['failure.error', '"network"', object, { failure: { ...run, error: 'network' } }],
    ['failure.error.code', '241', string, { failure: { ...run, error: { ...error, code: 241 } } }],
    [
      'failure.error.transient',
      '1',
      'Pass true or false.',
      { failure: { ...run, error: { ...error, transient: 1 } } },
    ],
    ['failure.error.message', 'null', string, { failure: { ...run, error: { ...error, message: null } } }],
    ['question', 'null', object, { question: null }],
    ['question.startedAt', '"0"', instant, { question: { ...question, startedAt: '0' } }],
  ])('state.%s: received %s. %s', (path, received, advice, changes) => {
    const made = { ...initialRefreshState, ...changes } as never
    const experiment = { startedAt: 0, endedAt: null }
    for (const ask of [
      () => refreshDecision(made, experiment, 1),
      () => refreshStatus(made, experiment, 1),
      () => refreshQuestion(made, experiment),
      () => mergeRefreshStates(initialRefreshState, made),
    ]) {
      const problem =
        received === 'undefined'
          ? undefined
          : `The refresh state is malformed at state.${path}: received ${received}.`
      expect(refusalOf(ask)).toEqual(refused('malformed-state', `state.${path}`, received, advice, problem))
    }
  })
})
