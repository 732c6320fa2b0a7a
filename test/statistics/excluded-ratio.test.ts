import { describe, expect, test } from 'vitest'
import { excludedRatio } from 'first-exposure/statistics'

describe('excludedRatio', () => {
  test('warns above the threshold, with the evidence', () => {
    expect(excludedRatio({ total: 9899, excludedIdentities: 101 })).toEqual({
      status: 'warning',
      reason: '101 of 10000 identities (1.01 %) were exposed to more than one variant, more than 1 %.',
      share: 0.0101,
      excludedIdentities: 101,
      seenIdentities: 10_000,
    })
  })

  test('the threshold itself is acceptable, and acceptable has no reason', () => {
    expect(excludedRatio({ total: 9900, excludedIdentities: 100 })).toEqual({
      status: 'acceptable',
      share: 0.01,
      excludedIdentities: 100,
      seenIdentities: 10_000,
    })
    expect(excludedRatio({ total: 9900, excludedIdentities: 100 }, { threshold: 0.0099 }).status).toBe(
      'warning',
    )
  })

  test('the two percentages differ where the shares do', () => {
    expect(excludedRatio({ total: 989_999, excludedIdentities: 10_001 }).reason).toBe(
      '10001 of 1000000 identities (1.0001 %) were exposed to more than one variant, more than 1 %.',
    )
  })

  test('the share is of everyone seen, not of those counted', () => {
    expect(excludedRatio({ total: 0, excludedIdentities: 100 })).toMatchObject({
      status: 'warning',
      share: 1,
    })
  })

  test('too few to say', () => {
    expect(excludedRatio({ total: 98, excludedIdentities: 1 })).toEqual({
      status: 'not-enough-traffic',
      reason: '99 identities were seen, and a verdict needs 100.',
      share: 1 / 99,
      excludedIdentities: 1,
      seenIdentities: 99,
    })
    expect(excludedRatio({ total: 1, excludedIdentities: 0 })).toMatchObject({
      reason: '1 identity was seen, and a verdict needs 100.',
    })
    expect(excludedRatio({ total: 98, excludedIdentities: 2 }).status).toBe('warning')
    expect(excludedRatio({ total: 0, excludedIdentities: 0 }, { minimumTotal: 0 })).toMatchObject({
      status: 'not-enough-traffic',
      share: null,
    })
  })

  test.each([
    [{ total: NaN, excludedIdentities: 1 }, 'total is NaN, which cannot be a count of identities.'],
    [
      { total: 500, excludedIdentities: -1 },
      'excludedIdentities is -1, which cannot be a count of identities.',
    ],
    [{ total: 500.5, excludedIdentities: 1 }, 'total is 500.5, which cannot be a count of identities.'],
  ])('not computable: %o', (view, reason) => {
    expect(excludedRatio(view)).toEqual({
      status: 'not-computable',
      reason,
      share: null,
      excludedIdentities: null,
      seenIdentities: null,
    })
  })

  test.each([
    [undefined, {}],
    [{ total: 5 }, {}],
    [{ total: '5', excludedIdentities: 1 }, {}],
    [{ total: 5, excludedIdentities: 1 }, { threshold: 0 }],
    [{ total: 5, excludedIdentities: 1 }, { minimumTotal: 0.5 }],
  ])('misuse throws: %o %o', (view, options) => {
    expect(() => excludedRatio(view as never, options)).toThrow(
      expect.objectContaining({ code: 'invalid-statistics' }),
    )
  })
})
