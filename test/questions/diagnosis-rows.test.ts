import { summarizeIdentityTimeline, summarizeExposureLedger } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const ledgerRow = { entry: 'counted', variant: 'a', events: 2, identities: 1, lateness_seconds: [] }
const storyRow = { shown: 0, disposition: 'exposure', variant: 'a', at_ms: 1, events: 1 }

describe('rows that the queries cannot have given are refused, with the row and the column', () => {
  test.each<[string, readonly unknown[]]>([
    ['entry', [{ ...ledgerRow, entry: 'toString' }]],
    ['variant', [{ ...ledgerRow, variant: null }]],
    ['variant', [{ ...ledgerRow, entry: 'quarantined' }]],
    ['events', [{ ...ledgerRow, events: -1 }]],
    ['identities', [{ ...ledgerRow, identities: 3 }]],
    ['lateness_seconds', [{ ...ledgerRow, lateness_seconds: [1] }]],
    ['lateness_seconds', [{ ...ledgerRow, lateness_seconds: '[]' }]],
    ['lateness_seconds', [{ ...ledgerRow, entry: 'arrived', variant: null, identities: 0 }]],
    ['entry', [ledgerRow, ledgerRow]],
  ])('of the ledger: %s', (column, rows) => {
    expect(() => summarizeExposureLedger(rows)).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ column, row: rows.length - 1 }),
      }),
    )
  })

  test.each<[string, readonly unknown[]]>([
    ['shown', [{ ...storyRow, shown: 2 }]],
    ['disposition', [{ ...storyRow, disposition: 'counted' }]],
    ['variant', [{ ...storyRow, variant: null }]],
    ['at_ms', [{ ...storyRow, at_ms: null }]],
    ['at_ms', [{ ...storyRow, at_ms: 1.5 }]],
    ['at_ms', [storyRow, { ...storyRow, at_ms: 0 }]],
    ['events', [{ shown: 0, disposition: 'exposure', variant: 'a', at_ms: 1 }]],
  ])('of the story: %s', (column, rows) => {
    expect(() => summarizeIdentityTimeline(rows)).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ column, row: rows.length - 1 }),
      }),
    )
  })
})

test('numbers may come as text, and any string is a key', () => {
  const ledger = summarizeExposureLedger(
    [
      { ...ledgerRow, variant: '__proto__', events: '5', identities: '2' },
      { ...ledgerRow, entry: 'exposure', variant: '__proto__', events: '5', identities: '0' },
      {
        ...ledgerRow,
        entry: 'arrived',
        variant: null,
        identities: 0,
        lateness_seconds: ['-3', 0, '7', 7],
      },
    ],
    { variants: ['a'] },
  )
  expect(Object.entries(ledger.exposuresByVariant)).toEqual([['__proto__', 5]])
  expect(Object.entries(ledger.unconfigured ?? {})).toEqual([['__proto__', { events: 5, identities: 2 }]])
  expect(ledger.lateness?.p50Seconds).toBe(-3)
  expect(JSON.parse(JSON.stringify(ledger))).toEqual(ledger)
  expect(Object.isFrozen(ledger.parts[0])).toBe(true)
  expect(() => summarizeExposureLedger([], { variants: 'a' as never })).toThrow(
    expect.objectContaining({ code: 'invalid-spec' }),
  )
  expect(() => summarizeIdentityTimeline([], { multiVariant: 'last' as never })).toThrow(
    expect.objectContaining({ code: 'invalid-spec' }),
  )
  expect(summarizeIdentityTimeline([]).verdict).toEqual({ type: 'never-counted', because: 'no-events' })
})
