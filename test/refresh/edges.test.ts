import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  refreshDecision,
  type RefreshState,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const stored = (timeseries: string, excluded = '0'): string =>
  '{"failure":null,"requestedAt":null,"success":{"asOf":1780300800000,"at":1780300801000,"summary":' +
  `{"excludedIdentities":${excluded},"timeseries":${timeseries}}},"version":1}`

describe('what is stored', () => {
  test('an hour may begin anywhere in its day', () => {
    const text = stored(
      '{"granularity":"hour","points":[{"bucket":"2026-06-01T07:00:00.000Z","newIdentities":{"a":1}}],"timeZone":"UTC"}',
    )
    expect(encodeRefreshState(decodeRefreshState(text))).toBe(text)
  })

  test('variants are read in one order, whoever wrote them', () => {
    const { success } = decodeRefreshState(
      stored(
        '{"granularity":"day","points":[{"bucket":"2026-06-01T00:00:00.000Z","newIdentities":{"b":1,"c":2,"a":3}}],"timeZone":"UTC"}',
      ),
    )
    expect(Object.keys(success?.summary.timeseries.points[0]?.newIdentities ?? {})).toEqual(['a', 'b', 'c'])
  })

  test('no count is -0', () => {
    const { success } = decodeRefreshState(stored('{"granularity":"day","points":[],"timeZone":"UTC"}', '-0'))
    expect(success?.summary.excludedIdentities).toBe(0)
  })

  test('what is no state is refused as a whole', () => {
    expect(refusalOf(() => encodeRefreshState(null as never))).toMatchObject({
      code: 'malformed-state',
      details: { path: 'state', received: 'null' },
    })
  })
})

describe('instants before 1970, and about it', () => {
  test('a request is known, whichever side knows of it', () => {
    const asked = reduceRefresh(initialRefreshState, { type: 'requested', at: -5 })
    expect(asked.requestedAt).toBe(-5)
    expect(mergeRefreshStates(asked, initialRefreshState)).toBe(asked)
    expect(mergeRefreshStates(initialRefreshState, asked)).toBe(asked)
  })

  test('no request holds nobody up', () => {
    expect(refreshDecision(initialRefreshState, { startedAt: 0, endedAt: null }, 1)).toEqual({ type: 'due' })
  })
})

test('a summary may have no prototype', () => {
  const summary = Object.assign(Object.create(null) as object, { total: 7 })
  const { success } = reduceRefresh<object>(initialRefreshState, {
    type: 'succeeded',
    asOf: 1,
    at: 2,
    summary,
  })
  expect(success?.summary).toEqual({ total: 7 })
})

test.each(['success', 'failure'] as const)(
  'two reports of an instant, of which one is no JSON: %s',
  (outcome) => {
    const run = {
      asOf: 1,
      at: 2,
      summary: {},
      error: { code: 'network', transient: true, message: 'No answer.' },
    }
    const state = (more: unknown) => ({ ...initialRefreshState, [outcome]: { ...run, more } }) as RefreshState
    expect(refusalOf(() => mergeRefreshStates(state(1), state(undefined)))).toMatchObject({
      code: 'malformed-state',
      details: { path: `${outcome}.more`, received: 'undefined' },
    })
  },
)
