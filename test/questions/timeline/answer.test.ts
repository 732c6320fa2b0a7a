import { summarizeIdentityTimeline } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const june = Date.UTC(2026, 5, 1)
const first = { shown: 0, disposition: 'exposure', variant: 'control', at_ms: june, events: 2 }
const next = { ...first, variant: 'b', at_ms: june + 1 }
const early = { ...first, disposition: 'before-window', at_ms: june - 1, events: 1 }
const unknown = { ...first, disposition: 'no-timestamp', variant: null, at_ms: null, events: 1 }

describe('summarizeIdentityTimeline', () => {
  test.each<[string, object[], object, object]>([
    ['nothing', [], {}, { type: 'never-counted', because: 'no-events' }],
    ['an event before the window', [early], {}, { type: 'never-counted', because: 'before-window' }],
    [
      'the furthest that an event came',
      [early, { ...first, disposition: 'no-variant', variant: null }, unknown],
      {},
      { type: 'never-counted', because: 'no-variant' },
    ],
    ['one variant', [early, first, unknown], {}, { type: 'counted', variant: 'control', at: june }],
    [
      'two variants',
      [first, next],
      {},
      { type: 'quarantined', variant: 'control', at: june, by: 'b', byAt: june + 1 },
    ],
    [
      'two variants, where the first counts',
      [first, next],
      { multiVariant: 'first-seen' },
      { type: 'counted', variant: 'control', at: june },
    ],
  ])('%s', (_, rows, options, verdict) => {
    expect(summarizeIdentityTimeline(rows, options).verdict).toEqual(verdict)
  })

  test('tells the events that are shown, how many there are, and whether that is all', () => {
    const shown = [early, first, { ...first, at_ms: `${june + 5}` }, unknown].map((row) => ({
      ...row,
      shown: true,
      events: 1,
    }))
    const story = summarizeIdentityTimeline([early, first, unknown, ...shown])
    expect(story).toEqual({
      verdict: { type: 'counted', variant: 'control', at: june },
      scanned: 4,
      events: [
        { at: june - 1, variant: 'control', disposition: 'before-window' },
        { at: june, variant: 'control', disposition: 'exposure' },
        { at: june + 5, variant: 'control', disposition: 'exposure' },
        { at: null, variant: null, disposition: 'no-timestamp' },
      ],
      truncated: false,
      resolved: null,
    })
    expect(Object.isFrozen(story.events[0])).toBe(true)
    expect(summarizeIdentityTimeline([early, first, unknown, ...shown.slice(1)]).truncated).toBe(true)
  })

  const order = 'Expected the order of time.'
  const absent = 'Expected NULL where there is no timestamp, and only there.'
  test.each<[column: string, received: string, advice: string, row: object]>([
    ['shown', '2', 'Expected 0 or 1.', { ...next, shown: 2 }],
    [
      'disposition',
      '"counted"',
      'Expected one of no-timestamp, before-window, after-window, filtered, no-variant, no-identity, exposure.',
      { ...next, disposition: 'counted' },
    ],
    ['variant', '5', 'Expected the variant’s key or NULL.', { ...next, variant: 5 }],
    ['variant', 'null', 'Expected a key for an exposure.', { ...next, variant: null }],
    ['at_ms', '"June"', 'Expected whole milliseconds of the epoch or NULL.', { ...next, at_ms: 'June' }],
    ['at_ms', 'null', absent, { ...next, at_ms: null }],
    ['at_ms', `${june}`, absent, { ...unknown, at_ms: june }],
    ['at_ms', `${june - 1}`, order, { ...next, at_ms: june - 1 }],
    ['events', '-1', 'Expected a whole number from 0 to 2^53 - 1.', { ...next, events: -1 }],
  ])('%s: received %s. %s', (column, received, advice, bad) => {
    // What is shown is in an order of its own.
    expect(refusalOf(() => summarizeIdentityTimeline([{ ...next, shown: 1 }, first, bad]))).toEqual({
      code: 'malformed-rows',
      message: `Row 2, column ${column}: received ${received}. ${advice} Is it the answer to the query, unchanged?`,
      details: { row: 2, column, received },
    })
  })

  test('what is shown is in the order of time too, and an event without one comes last', () => {
    const rows = [unknown, first].map((row) => ({ ...row, shown: 1 }))
    expect(refusalOf(() => summarizeIdentityTimeline(rows))).toMatchObject({
      details: { row: 1, column: 'at_ms' },
    })
  })

  test('a policy that there is none of', () => {
    expect(refusalOf(() => summarizeIdentityTimeline([], { multiVariant: 'all' as never }))).toMatchObject({
      code: 'invalid-spec',
      message: expect.stringMatching(/^multiVariant .*"all".* Pass 'quarantine' or 'first-seen'\.$/),
      details: { path: 'multiVariant' },
    })
  })
})
