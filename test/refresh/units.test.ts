import {
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  refreshDecision,
  refreshStatus,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const startedAt = Date.UTC(2026, 5, 1)
const now = Date.UTC(2026, 5, 2)
const running = { startedAt, endedAt: null }
const error = { code: 'network', transient: true, message: 'No answer.' }

describe.each([
  ['seconds', (ms: number) => ms / 1000, '* 1000'],
  ['microseconds', (ms: number) => ms * 1000, '/ 1000'],
])('instants in %s', (unit, inUnit, cure) => {
  test.each([
    ['experiment.startedAt', { startedAt: inUnit(startedAt), endedAt: null }, now],
    ['experiment.endedAt', { startedAt, endedAt: inUnit(now) }, now],
    ['now', running, inUnit(now)],
  ] as const)('%s is refused', (path, experiment, at) => {
    for (const ask of [refreshDecision, refreshStatus]) {
      expect(refusalOf(() => ask(initialRefreshState, experiment, at))).toMatchObject({
        code: 'invalid-instant',
        message: expect.stringContaining(`If it counts ${unit}, pass ${path} ${cure}.`),
        details: { path },
      })
    }
  })

  test.each([
    ['event.at', { type: 'requested', at: inUnit(now) }],
    ['event.at', { type: 'succeeded', asOf: now, at: inUnit(now), summary: {} }],
    ['event.asOf', { type: 'succeeded', asOf: inUnit(now), at: now, summary: {} }],
    ['event.asOf', { type: 'failed', asOf: inUnit(now), at: now, error }],
  ] as const)('%s is refused', (path, event) => {
    expect(refusalOf(() => reduceRefresh<unknown>(initialRefreshState, event))).toMatchObject({
      code: 'invalid-event',
      message: expect.stringContaining(`If it counts ${unit}, pass ${path} ${cure}.`),
      details: { path },
    })
  })
})

describe('now', () => {
  test.each([new Date(now), '2026-06-02T00:00:00Z', now])('may be %s', (at) => {
    const requested = reduceRefresh(initialRefreshState, { type: 'requested', at: now - 60_000 })
    expect(refreshDecision(requested, running, at)).toEqual({ type: 'in-flight' })
    expect(refreshStatus(requested, running, at)).toMatchObject({ type: 'refreshing' })
  })
})

describe('something else than a state', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    [
      'a string of 75 characters',
      '{"failure":null,"requestedAt":1780272000000,"success":null,"version":1} \n\n\n',
    ],
    ['an object', { state: initialRefreshState }],
  ])('%s is refused by name', (received, state) => {
    for (const call of [
      () => refreshDecision(state as never, running, now),
      () => refreshStatus(state as never, running, now),
      () => reduceRefresh(state as never, { type: 'requested', at: now }),
      () => mergeRefreshStates(state as never, initialRefreshState),
      () => mergeRefreshStates(initialRefreshState, state as never),
    ]) {
      expect(refusalOf(call)).toMatchObject({ code: 'malformed-state', details: { path: 'state', received } })
    }
  })
})
