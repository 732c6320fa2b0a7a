import { summarizeExposureLedger } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const row = { entry: 'filtered', variant: 'control', events: 3, identities: 0, lateness_seconds: [] }
const exposure = { ...row, entry: 'exposure', events: 9 }
const counted = { ...row, entry: 'counted', events: 7, identities: 4 }
const arrived = {
  ...row,
  entry: 'arrived',
  variant: null,
  events: 9,
  lateness_seconds: [0, 5, 60, 600],
}

describe('summarizeExposureLedger', () => {
  test('every event is in one part, in the order in which it fell out', () => {
    const ledger = summarizeExposureLedger([
      { ...row, entry: 'no-timestamp', events: 1 },
      { ...row, entry: 'before-window', events: 2 },
      { ...row, entry: 'after-window', variant: null, events: '4' },
      { ...row, events: 8 },
      { ...row, variant: 'b', events: 16 },
      { ...row, entry: 'no-variant', variant: null, events: 32 },
      { ...row, entry: 'no-identity', events: 64 },
      { ...exposure, events: 20, identities: 0 },
      { ...exposure, variant: 'b', events: 3 },
      { ...counted, events: 20, identities: 5 },
      { ...row, entry: 'quarantined', variant: null, events: 3, identities: 1 },
      { ...arrived, events: 23 },
      { ...row, entry: 'arrived-late', variant: null, events: 2 },
    ])
    expect(ledger).toEqual({
      scanned: 150,
      parts: [
        { part: 'no-timestamp', events: 1, byVariant: { control: 1 } },
        { part: 'before-window', events: 2, byVariant: { control: 2 } },
        { part: 'after-window', events: 4, byVariant: {} },
        { part: 'filtered', events: 24, byVariant: { b: 16, control: 8 } },
        { part: 'no-variant', events: 32, byVariant: {} },
        { part: 'no-identity', events: 64, byVariant: { control: 64 } },
        { part: 'first-exposure', events: 5, byVariant: { control: 5 } },
        { part: 'duplicate', events: 15, byVariant: { control: 15 } },
        { part: 'quarantined', events: 3, byVariant: {} },
      ],
      countedIdentities: 5,
      excludedIdentities: 1,
      exposuresByVariant: { b: 3, control: 20 },
      unconfigured: null,
      lateness: { events: 23, lateEvents: 2, p50Seconds: 0, p90Seconds: 5, p99Seconds: 60, maxSeconds: 600 },
      aliases: null,
    })
    expect(Object.isFrozen(ledger.parts[0]?.byVariant)).toBe(true)
    expect(Object.keys(ledger.exposuresByVariant)).toEqual(['b', 'control'])
  })

  test('where nothing was scanned every part is empty', () => {
    const ledger = summarizeExposureLedger([])
    expect(ledger).toMatchObject({ scanned: 0, countedIdentities: 0, excludedIdentities: 0, lateness: null })
    expect(ledger.parts.every(({ events }) => events === 0)).toBe(true)
    expect(ledger.parts).toHaveLength(9)
  })

  test('variants that nobody configured are pointed out, with their identities', () => {
    const rows = [exposure, { ...exposure, variant: '__proto__', events: 2 }, counted]
    expect(summarizeExposureLedger(rows, { variants: ['b'] }).unconfigured).toEqual(
      Object.fromEntries([
        ['__proto__', { events: 2, identities: 0 }],
        ['control', { events: 9, identities: 4 }],
      ]),
    )
    expect(summarizeExposureLedger(rows, { variants: ['__proto__', 'control'] }).unconfigured).toEqual({})
  })

  test('of no arrival there are no quantiles', () => {
    expect(summarizeExposureLedger([{ ...arrived, events: 0 }]).lateness).toEqual({
      events: 0,
      lateEvents: 0,
      p50Seconds: null,
      p90Seconds: null,
      p99Seconds: null,
      maxSeconds: null,
    })
    expect(
      summarizeExposureLedger([{ ...arrived, lateness_seconds: [-5, '1', 2, 3] }]).lateness,
    ).toMatchObject({
      p50Seconds: -5,
      p90Seconds: 1,
    })
  })

  const count = 'Expected a whole number from 0 to 2^53 - 1.'
  test.each<[column: string, received: string, advice: string, row: object]>([
    [
      'entry',
      '"lost"',
      'Expected one of no-timestamp, before-window, after-window, filtered, no-variant, no-identity, exposure, ' +
        'counted, quarantined, arrived, arrived-late, joined, ambiguous, chained, quarantined-by-joining.',
      { ...row, entry: 'lost' },
    ],
    ['variant', '5', 'Expected the variant’s key or NULL.', { ...row, variant: 5 }],
    ['variant', 'null', 'Expected a key for exposure.', { ...exposure, variant: null }],
    ['variant', 'null', 'Expected a key for counted.', { ...counted, variant: null }],
    ['variant', 'null', 'Expected a key for no-identity.', { ...row, entry: 'no-identity', variant: null }],
    ['variant', '"control"', 'Expected NULL for no-variant.', { ...row, entry: 'no-variant' }],
    ['variant', '"control"', 'Expected NULL for quarantined.', { ...row, entry: 'quarantined' }],
    ['variant', '"control"', 'Expected NULL for arrived.', { ...arrived, variant: 'control' }],
    ['variant', '"control"', 'Expected NULL for arrived-late.', { ...row, entry: 'arrived-late' }],
    ['events', '-1', count, { ...row, events: -1 }],
    ['identities', '"x"', count, { ...row, identities: 'x' }],
    ['identities', '8', 'Expected no more than there are events.', { ...counted, identities: 8 }],
    ['lateness_seconds', 'null', 'Expected a list of whole numbers.', { ...row, lateness_seconds: null }],
    [
      'lateness_seconds',
      'an array of 1',
      'Expected a list of whole numbers.',
      { ...row, lateness_seconds: [0.5] },
    ],
    [
      'lateness_seconds',
      'an array of 3',
      'Expected four quantiles for arrived, and none elsewhere.',
      { ...arrived, lateness_seconds: [1, 2, 3] },
    ],
    [
      'lateness_seconds',
      'an array of 4',
      'Expected four quantiles for arrived, and none elsewhere.',
      { ...row, lateness_seconds: [1, 2, 3, 4] },
    ],
    ['entry', '"filtered"', 'It is listed already for the same variant, so one would be lost.', row],
  ])('%s: received %s. %s', (column, received, advice, bad) => {
    const before = [row, { ...row, variant: 'b' }, { ...row, entry: 'before-window' }]
    expect(refusalOf(() => summarizeExposureLedger([...before, bad]))).toEqual({
      code: 'malformed-rows',
      message: `Row 3, column ${column}: received ${received}. ${advice} Is it the answer to the query, unchanged?`,
      details: { row: 3, column, received },
    })
  })

  test('a sum that no number holds, and variants that are no keys', () => {
    const most = { ...row, events: Number.MAX_SAFE_INTEGER }
    expect(refusalOf(() => summarizeExposureLedger([most, { ...row, variant: 'b', events: 1 }]))).toEqual({
      code: 'malformed-rows',
      message: 'The sum 9007199254740992 of the events is past 2^53 - 1.',
      details: {},
    })
    for (const variants of ['control', null, ['control', 1]]) {
      expect(refusalOf(() => summarizeExposureLedger([], { variants: variants as never }))).toMatchObject({
        code: 'invalid-spec',
        message: expect.stringMatching(/^variants .* Pass the keys of the variants that are configured\.$/),
        details: { path: 'variants' },
      })
    }
  })
})
