import { describe, expect, test } from 'vitest'
import {
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  type RefreshEvent,
  type RefreshState,
} from 'first-exposure'

const error = { code: 'network', transient: true, message: 'ClickHouse could not be reached.' }
const succeeded = (asOf: number, at: number, summary: unknown = 'summary'): RefreshEvent<unknown> => ({
  type: 'succeeded',
  asOf,
  at,
  summary,
})
const failed = (asOf: number, at: number): RefreshEvent<unknown> => ({ type: 'failed', asOf, at, error })
const reduced = (...events: readonly RefreshEvent<unknown>[]): RefreshState<unknown> =>
  events.reduce<RefreshState<unknown>>((state, event) => reduceRefresh(state, event), initialRefreshState)

const made = (count: number): RefreshState<unknown> => ({
  ...initialRefreshState,
  success: { asOf: 1, at: 1, summary: { count } },
})

describe('reduceRefresh', () => {
  test('a failure leaves the last good summary alone, and a later success clears it', () => {
    const good = reduced(succeeded(10, 11))
    const stale = reduceRefresh(good, failed(20, 21))
    expect(stale).toStrictEqual({
      requestedAt: null,
      success: { asOf: 10, at: 11, summary: 'summary' },
      failure: { asOf: 20, at: 21, error },
    })
    expect(stale.success).toBe(good.success)
    expect(reduceRefresh(stale, succeeded(30, 31)).failure).toBeNull()
  })

  test.each([
    [19, 99, true],
    [20, 20, true],
    [20, 21, false],
    [21, 0, false],
  ])('a success of (%d, %d) leaves a failure of (20, 21): %s', (asOf, at, shows) => {
    for (const events of [
      [failed(20, 21), succeeded(asOf, at)],
      [succeeded(asOf, at), failed(20, 21)],
    ]) {
      expect(reduced(...events).failure !== null).toBe(shows)
    }
  })

  test('an older success neither replaces a newer one nor clears its failure', () => {
    const state = reduced(succeeded(10, 11), failed(20, 21))
    expect(reduceRefresh(state, succeeded(9, 99))).toBe(state)
    expect(reduceRefresh(state, succeeded(10, 11))).toBe(state)
    expect(reduceRefresh(state, succeeded(10, 12)).failure).toBe(state.failure)
  })

  test('of two reports of one instant the greater text wins, in either order', () => {
    const one = succeeded(1, 1, { a: 1, b: 2 })
    const other = succeeded(1, 1, { b: 1, a: 2 })
    expect(reduced(one, other).success?.summary).toStrictEqual({ a: 2, b: 1 })
    expect(reduced(other, one).success?.summary).toStrictEqual({ a: 2, b: 1 })
    const same = reduced(one)
    expect(reduceRefresh(same, succeeded(1, 1, { b: 2, a: 1 }))).toBe(same)
  })

  test('keeps a frozen copy: what the host does to its own data afterwards does not reach the state', () => {
    const summary = { points: [{ count: 1 }] }
    const state = reduced(succeeded(1, 2, summary))
    summary.points.push({ count: 2 })
    expect(state.success?.summary).toStrictEqual({ points: [{ count: 1 }] })
    expect(Object.isFrozen(summary)).toBe(false)
    const kept = state.success?.summary as typeof summary
    for (const part of [state, state.success, kept, kept.points, kept.points[0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    expect(Object.isFrozen(reduced(failed(1, 2)).failure?.error)).toBe(true)
    expect(Object.isFrozen(reduced({ type: 'requested', at: 1 }))).toBe(true)
  })

  test('keeps of an error only the code, the transience and the message', () => {
    const thrown = Object.assign(new Error('No memory.'), {
      code: 'memory-limit',
      transient: true,
      query: 'SELECT 1',
    })
    expect(reduced({ type: 'failed', asOf: 1, at: 2, error: thrown }).failure?.error).toStrictEqual({
      code: 'memory-limit',
      transient: true,
      message: 'No memory.',
    })
  })

  test('keeps prototype keys as keys', () => {
    const summary: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}')
    const kept = reduced(succeeded(1, 2, summary)).success?.summary
    expect(JSON.stringify(kept)).toBe('{"__proto__":{"polluted":1},"constructor":2}')
    expect((kept as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('-0 is 0: two states that differ by nothing else would be one when stored', () => {
    const state = reduced(succeeded(-0, -0, { count: -0 }))
    expect(state).toStrictEqual(reduced(succeeded(0, 0, { count: 0 })))
  })

  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic

  test.each([
    ['event', null],
    ['event', []],
    ['event.type', { type: 'started', at: 1 }],
    ['event.at', { type: 'requested' }],
    ['event.at', { type: 'requested', at: '2026-06-01T00:00:00Z' }],
    ['event.at', { type: 'requested', at: 1.5 }],
    ['event.at', { type: 'requested', at: NaN }],
    ['event.at', { type: 'requested', at: 8.64e15 + 1 }],
    ['event.at', { ...succeeded(1, 2), at: Infinity }],
    ['event.asOf', { ...succeeded(1, 2), asOf: undefined }],
    ['event.asOf', { ...failed(1, 2), asOf: new Date(1) }],
    ['event.summary', succeeded(1, 2, NaN)],
    ['event.summary', { type: 'succeeded', asOf: 1, at: 2 }],
    ['event.summary.a[1].b', succeeded(1, 2, { a: [1, { b: undefined }] })],
    ['event.summary[1]', succeeded(1, 2, [0, new Map()])],
    // oxlint-disable-next-line no-sparse-arrays
    ['event.summary[1]', succeeded(1, 2, [0, , 2])],
    ['event.summary.at', succeeded(1, 2, { at: new Date(0) })],
    ['event.summary.n', succeeded(1, 2, { n: 1n })],
    [`event.summary${'.self'.repeat(100)}`, succeeded(1, 2, cyclic)],
    ['event.error', { type: 'failed', asOf: 1, at: 2 }],
    ['event.error', { type: 'failed', asOf: 1, at: 2, error: 'network' }],
    ['event.error.code', { type: 'failed', asOf: 1, at: 2, error: { ...error, code: '' } }],
    ['event.error.code', { type: 'failed', asOf: 1, at: 2, error: { ...error, code: 'a b' } }],
    ['event.error.code', { type: 'failed', asOf: 1, at: 2, error: { ...error, code: 'a\n' } }],
    ['event.error.code', { type: 'failed', asOf: 1, at: 2, error: { ...error, code: 'c'.repeat(65) } }],
    ['event.error.transient', { type: 'failed', asOf: 1, at: 2, error: { ...error, transient: 1 } }],
    ['event.error.message', { type: 'failed', asOf: 1, at: 2, error: { ...error, message: '' } }],
    ['event.error.message', { type: 'failed', asOf: 1, at: 2, error: { ...error, message: '\ud800' } }],
    [
      'event.error.message',
      { type: 'failed', asOf: 1, at: 2, error: { ...error, message: 'm'.repeat(501) } },
    ],
  ])('refuses what cannot be kept, naming %s', (path, event) => {
    const state = reduced(succeeded(1, 2))
    expect(() => reduceRefresh(state, event as RefreshEvent<unknown>)).toThrow(
      expect.objectContaining({ code: 'invalid-event', details: expect.objectContaining({ path }) }),
    )
  })

  test('takes the longest code and message, and both ends of time', () => {
    const longest = { code: 'c'.repeat(64), transient: false, message: 'm'.repeat(500) }
    expect(reduced({ type: 'failed', asOf: -8.64e15, at: 8.64e15, error: longest }).failure).toStrictEqual({
      asOf: -8.64e15,
      at: 8.64e15,
      error: longest,
    })
  })
})

describe('mergeRefreshStates', () => {
  test('a cleared failure that one host still shows is cleared for both', () => {
    const here = reduced(failed(20, 21))
    const there = reduced(succeeded(20, 22))
    expect(mergeRefreshStates(here, there)).toStrictEqual(there)
    expect(mergeRefreshStates(there, here)).toBe(there)
  })

  test('two reports of one instant that JSON cannot tell apart are refused', () => {
    expect(() => mergeRefreshStates(made(NaN), made(1))).toThrow(
      expect.objectContaining({
        code: 'malformed-state',
        details: { path: 'success.summary.count', received: 'NaN' },
      }),
    )
  })
})
