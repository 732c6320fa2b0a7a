import { describe, expect, test } from 'vitest'
import { sampleRatio, sampleRatioBySlice } from 'first-exposure/statistics'

const even = { a: 1, b: 1 }
const days = (...increments: readonly Readonly<Record<string, number>>[]) => ({
  timeseries: {
    granularity: 'day' as const,
    timeZone: 'UTC',
    points: increments.map((newIdentities, day) => ({
      bucket: new Date(Date.UTC(2026, 5, 1 + day)).toISOString(),
      newIdentities,
    })),
  },
})
const slice = (value: string | null, ...increments: readonly Readonly<Record<string, number>>[]) => ({
  value,
  summary: days(...increments),
})

describe('sampleRatioBySlice', () => {
  test('gives each slice its own evidence, with the corrected p-value and the verdict by that', () => {
    const ios = { a: 560, b: 440 }
    const web = { a: 5000, b: 5050 }
    const rest = { a: 700, b: 800 }
    const result = sampleRatioBySlice(
      {
        slices: [
          slice('ios', { a: 300, b: 200 }, { a: 260, b: 240 }),
          slice('web', web),
          slice(null, { a: 9 }),
        ],
        other: days(rest),
      },
      even,
    )
    const alone = (counts: Record<string, number>) => sampleRatio(counts, even)
    const p = (counts: Record<string, number>) => alone(counts).pValue ?? NaN
    expect(result).toEqual({
      status: 'mismatch',
      reason: 'The split is not the expected one where the value is "ios".',
      familySize: 3,
      slices: [
        {
          value: 'ios',
          ...alone(ios),
          reason:
            'If the expected shares were true, a split at least this far from them would have a probability of 0.000443 ' +
            'after a correction for 3 slices, below 0.001.',
          adjustedPValue: 3 * p(ios),
        },
        { value: 'web', ...alone(web), adjustedPValue: p(web) },
        // Nine identities could not be a mismatch, however they fall.
        { value: null, ...alone({ a: 9 }), severity: null, adjustedPValue: null, reason: expect.any(String) },
      ],
      other: { ...alone(rest), severity: 'none', adjustedPValue: 2 * p(rest) },
    })
  })

  test('what is a mismatch by itself may be none among many', () => {
    const odd = slice('odd', { a: 555, b: 445 })
    expect(sampleRatio({ a: 555, b: 445 }, even).status).toBe('mismatch')
    const alone = sampleRatioBySlice({ slices: [odd], other: null }, even)
    expect(alone.slices[0]).toMatchObject({ status: 'mismatch', adjustedPValue: alone.slices[0]?.pValue })
    const right = Array.from({ length: 9 }, (_, i) => slice(`right ${i}`, { a: 500, b: 500 }))
    const among = sampleRatioBySlice({ slices: [...right, odd], other: null }, even)
    expect(among).toMatchObject({ status: 'consistent', familySize: 10 })
    expect(among.slices[9]).toMatchObject({
      status: 'consistent',
      severity: 'warning',
      pValue: alone.slices[0]?.pValue,
    })
    expect(among.slices[9]).not.toHaveProperty('reason')
    // Slices that could not be a mismatch cost it nothing, nor do those below a minimum that was asked for.
    const tiny = Array.from({ length: 50 }, (_, i) => slice(`tiny ${i}`, { a: 5, b: 4 }))
    const besides = sampleRatioBySlice({ slices: [...tiny, odd], other: null }, even)
    expect(besides).toMatchObject({ status: 'mismatch', familySize: 1 })
    const small = Array.from({ length: 50 }, (_, i) => slice(`small ${i}`, { a: 50, b: 49 }))
    const breakdown = { slices: [...small, odd], other: null }
    expect(sampleRatioBySlice(breakdown, even)).toMatchObject({ status: 'consistent', familySize: 51 })
    const atLeast = sampleRatioBySlice(breakdown, even, { minimumTotal: 100 })
    expect(atLeast).toMatchObject({ status: 'mismatch', familySize: 1 })
    expect(atLeast.slices[0]?.status).toBe('not-enough-traffic')
  })

  test('a small slice is a mismatch where it is one, but never consistent', () => {
    const result = sampleRatioBySlice(
      { slices: [slice('gone', { a: 40 }), slice('few', { a: 20, b: 20 })], other: null },
      even,
    )
    expect(result.slices.map(({ status }) => status)).toEqual(['mismatch', 'not-enough-traffic'])
    expect(result).toMatchObject({ status: 'mismatch', familySize: 2 })
  })

  test('a family whose slices are all too small for a verdict has none', () => {
    const few = { slices: [slice('few', { a: 20, b: 20 }), slice('fewer', { a: 6, b: 6 })], other: null }
    expect(sampleRatioBySlice(few, even)).toMatchObject({
      status: 'not-enough-traffic',
      reason: 'No slice has enough identities for a verdict.',
      familySize: 2,
    })
  })

  test('beside a smaller p-value, a slice is corrected for one slice less', () => {
    const odd = slice('odd', { a: 555, b: 445 })
    const of = (...others: ReturnType<typeof slice>[]) =>
      sampleRatioBySlice({ slices: [...others, odd], other: null }, even).slices.at(-1)
    expect(of(slice('right', { a: 500, b: 500 }))?.status).toBe('consistent')
    expect(of(slice('worse', { a: 900, b: 500 }))).toMatchObject({
      status: 'mismatch',
      adjustedPValue: sampleRatio({ a: 555, b: 445 }, even).pValue,
    })
  })

  test('a slice that could not be a mismatch costs the others nothing', () => {
    const beside = (counts: Record<string, number>) =>
      sampleRatioBySlice(
        {
          slices: [
            slice('odd', { a: 555, b: 445 }),
            ...Array.from({ length: 50 }, (_, place) => slice(String(place), counts)),
          ],
          other: null,
        },
        even,
      )
    // All ten in one arm, either of them, have a probability of 2 / 1024.
    expect(beside({ a: 5, b: 5 })).toMatchObject({ status: 'mismatch', familySize: 1 })
    expect(beside({ a: 6, b: 5 })).toMatchObject({ status: 'consistent', familySize: 51 })
    expect(sampleRatio({ a: 11 }, even).status).toBe('mismatch')
    expect(sampleRatio({ a: 10 }, even).status).toBe('not-enough-traffic')
    // All eleven: 2 / 2048. That is not below itself.
    const least = 2 ** -10
    const eleven = { slices: [slice('eleven', { a: 6, b: 5 })], other: null }
    expect(sampleRatioBySlice(eleven, even, { threshold: least }).familySize).toBe(0)
    expect(sampleRatioBySlice(eleven, even, { threshold: least * (1 + 1e-12) }).familySize).toBe(1)
  })

  test('what could be a mismatch is asked of the smallest arm alone', () => {
    // All in the smaller of 3 : 1: 4⁻⁵ is below 0.001, and 4⁻⁴ is not. All in the other is no such surprise.
    const shares = { a: 3, b: 1 }
    const family = (counts: Record<string, number>) =>
      sampleRatioBySlice({ slices: [slice('few', counts)], other: null }, shares).familySize
    expect(sampleRatio({ b: 5 }, shares)).toMatchObject({
      status: 'mismatch',
      pValue: expect.closeTo(4 ** -5, 12),
    })
    expect(family({ a: 4, b: 1 })).toBe(1)
    expect(sampleRatio({ b: 4 }, shares).status).toBe('not-enough-traffic')
    expect(family({ a: 3, b: 1 })).toBe(0)
  })

  test('with phases, what could be a mismatch is asked of the arm that is smallest in all of them', () => {
    const phases = [{ shares: even }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 3 } }]
    // All in "a", and in no other arm: 2⁻⁵ · 4⁻³. The p-value is twice that of the better test: 2⁻¹⁰.
    expect(sampleRatio(days({ a: 5 }, { a: 3 }), phases)).toMatchObject({
      status: 'mismatch',
      pValue: expect.closeTo(2 ** -10, 12),
    })
    const few = sampleRatioBySlice(
      { slices: [slice('few', { a: 3, b: 2 }, { a: 1, b: 2 })], other: null },
      phases,
    )
    expect(few.familySize).toBe(1)
  })

  test('with phases, what could be a mismatch is asked of each phase', () => {
    const steps = days({ a: 0, b: 2 }, { a: 1 })
    const phases = [{ shares: { a: 999, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: even }]
    expect(sampleRatio(steps, phases).status).toBe('mismatch')
    expect(
      sampleRatioBySlice({ slices: [{ value: 'only', summary: steps }], other: null }, phases),
    ).toMatchObject({ status: 'mismatch', familySize: 1 })
    // Either of two arms could have all of twelve, and the p-value is twice that of the better test: 4 / 4096.
    const same = [{ shares: even }, { from: Date.UTC(2026, 5, 2), shares: even }]
    const of = (...counts: Record<string, number>[]) =>
      sampleRatioBySlice({ slices: [slice('only', ...counts)], other: null }, same)
    expect(of({ a: 6 }, { a: 6 })).toMatchObject({ status: 'mismatch', familySize: 1 })
    expect(of({ a: 3, b: 3 }, { a: 3, b: 2 })).toMatchObject({ familySize: 0 })
    // An arm that has no share yet is none that all could be in.
    const later = [{ shares: even }, { from: Date.UTC(2026, 5, 4), shares: { a: 1, b: 1, c: 1 } }]
    const few = sampleRatioBySlice({ slices: [slice('few', { a: 5, b: 4 })], other: null }, later)
    expect(few.familySize).toBe(0)
  })

  test('a slice without a verdict says how many identities one needs', () => {
    const only = (counts: Record<string, number>, options = {}) =>
      sampleRatioBySlice({ slices: [slice('only', counts)], other: null }, even, options).slices[0]
    expect(only({ a: 9 })).toMatchObject({
      reason: '9 identities were counted, and a verdict needs 98.',
      neededTotal: 98,
    })
    expect(only({ a: 3, b: 3 }, { minimumTotal: 5 })).toMatchObject({
      status: 'not-enough-traffic',
      reason: '6 identities were counted, and a verdict needs 11.',
      neededTotal: 11,
    })
    expect(only({ a: 6, b: 5 }, { minimumTotal: 5 })?.status).toBe('consistent')
    expect(only({ a: 50, b: 50 }, { minimumTotal: 100 })).toMatchObject({
      status: 'consistent',
      neededTotal: 100,
    })
    expect(only({}, { minimumTotal: 5 })?.reason).toBe('0 identities were counted, and a verdict needs 5.')
  })

  test('a value that is an address is named: it is the reader’s own', () => {
    const { reason } = sampleRatioBySlice(
      { slices: [slice('https://a.example/x', { a: 900, b: 500 })], other: null },
      even,
    )
    expect(reason).toBe('The split is not the expected one where the value is "https://a.example/x".')
    expect(sampleRatio({ a: 50, b: 50, 'qa:1@x': 2 }, even).strays.reason).toContain('"qa:1@x" (2)')
  })

  test('the correction is named, also where the probability is too small for a number', () => {
    const { slices } = sampleRatioBySlice(
      {
        slices: [slice('odd', { a: 1_000_000, b: 1_500_000 }), slice('fine', { a: 500, b: 500 })],
        other: null,
      },
      even,
    )
    expect(slices[0]?.reason).toContain('a probability of 9.53e-21718 after a correction for 2 slices, below')
    const one = sampleRatioBySlice({ slices: [slice('odd', { a: 900, b: 500 })], other: null }, even)
    expect(one.slices[0]?.reason).toContain(' after a correction for 1 slice, below')
  })

  test.each([undefined, 7, { of: 'mine' }])('a value of %j is refused, and left as it is', (value) => {
    const input = { slices: [{ value: value as never, summary: days({ a: 5 }) }], other: null }
    expect(() => sampleRatioBySlice(input, even)).toThrow(
      expect.objectContaining({
        code: 'invalid-statistics',
        details: expect.objectContaining({ path: 'breakdown.slices[0].value' }),
      }),
    )
    if (typeof value === 'object') expect(Object.isFrozen(value)).toBe(false)
  })

  test('counts are held to the tail that the correction looks at', () => {
    // 100 expected in an arm are enough for 0.001, not for a twentieth of it.
    const counts = { a: 9900, b: 100 }
    const shares = { a: 99, b: 1 }
    expect(sampleRatio(counts, shares).method).toBe('chi-squared')
    const one = sampleRatioBySlice({ slices: [slice('one', counts)], other: null }, shares)
    expect(one.slices[0]?.method).toBe('chi-squared')
    const many = Array.from({ length: 20 }, (_, i) => slice(String(i), counts))
    expect(sampleRatioBySlice({ slices: many, other: null }, shares).slices[0]?.method).toBe('exact')
  })

  test('names every broken slice', () => {
    const broken = { a: 900, b: 100 }
    const { reason } = sampleRatioBySlice(
      { slices: [slice('x', broken), slice(null, broken)], other: days(broken) },
      even,
    )
    expect(reason).toBe(
      'The split is not the expected one where the value is "x", or the value is missing, or the value is any other.',
    )
  })

  test('identities in no configured arm are reported beside each slice, and variants may be left out', () => {
    const breakdown = {
      slices: [slice('x', { a: 50, off: 1 }), slice('y', { a: 500, b: 500, qa: 2 })],
      other: null,
    }
    const result = sampleRatioBySlice(breakdown, even, { leaveOut: ['qa'] })
    expect(result.slices[0]).toMatchObject({ status: 'mismatch', strays: { status: 'many', identities: 1 } })
    expect(result.slices[1]).toMatchObject({
      status: 'consistent',
      strays: { status: 'none' },
      leftOut: [{ variant: 'qa', identities: 2 }],
    })
  })

  test('the phases hold for every slice', () => {
    const rampAt = (from: string) => [{ shares: { a: 9, b: 1 } }, { from, shares: even }]
    const phases = rampAt('2026-06-02T00:00:00Z')
    const ramped = slice('ramped', { a: 905, b: 95 }, { a: 500, b: 500 })
    const unramped = slice('unramped', { a: 905, b: 95 }, { a: 900, b: 100 })
    const result = sampleRatioBySlice({ slices: [ramped, unramped], other: null }, phases)
    expect(result.slices.map(({ status }) => status)).toEqual(['consistent', 'mismatch'])
    const noon = rampAt('2026-06-01T12:00:00Z')
    const cut = sampleRatioBySlice({ slices: [ramped], other: null }, noon)
    expect(cut.slices[0]).toMatchObject({ status: 'consistent', unjudgedIdentities: 1000 })
  })

  test('the whole is never better than its slices', () => {
    const part = (...slices: ReturnType<typeof slice>[]) => sampleRatioBySlice({ slices, other: null }, even)
    const right = slice('right', { a: 500, b: 500 })
    const wrong = slice('wrong', { a: 900, b: 500 })
    const none = slice('none', { a: NaN })
    expect(part()).toMatchObject({
      status: 'not-enough-traffic',
      reason: 'No slice has enough identities for a verdict.',
      familySize: 0,
      slices: [],
      other: null,
    })
    expect(part(slice('few', { a: 5 })).status).toBe('not-enough-traffic')
    expect(part(right, slice('few', { a: 5 }))).not.toHaveProperty('reason')
    expect(part(right, none)).toMatchObject({
      status: 'not-computable',
      reason:
        'Where the value is "none": In the bucket 2026-06-01T00:00:00.000Z the count of variant "a" is NaN, which cannot ' +
        'be a count of identities.',
      familySize: 1,
    })
    expect(part(none, wrong).status).toBe('mismatch')
    expect(sampleRatioBySlice({ slices: [right], other: null }, { a: 1 })).toMatchObject({
      status: 'not-computable',
      slices: [{ value: 'right', status: 'not-computable', arms: [], adjustedPValue: null }],
    })
  })

  test('the threshold is exclusive and for the family', () => {
    const breakdown = {
      slices: [slice('x', { a: 550, b: 450 }), slice('y', { a: 500, b: 500 })],
      other: null,
    }
    const p = sampleRatioBySlice(breakdown, even).slices[0]?.adjustedPValue ?? NaN
    expect(p).toBe(2 * (sampleRatio({ a: 550, b: 450 }, even).pValue ?? NaN))
    expect(sampleRatioBySlice(breakdown, even, { threshold: p }).status).toBe('consistent')
    expect(sampleRatioBySlice(breakdown, even, { threshold: p * (1 + 1e-12) }).status).toBe('mismatch')
  })

  const breakdown = { slices: [slice('x', { a: 1 })], other: null }
  test.each([
    [undefined, even, {}],
    [{ ...breakdown, slices: undefined }, even, {}],
    [{ ...breakdown, slices: null }, even, {}],
    [{ ...breakdown, slices: [null] }, even, {}],
    [{ ...breakdown, slices: [{ value: 'x', a: 5, b: 5 }] }, even, {}],
    [{ ...breakdown, other: undefined }, even, {}],
    [{ ...breakdown, other: { a: 5, b: 5 } }, even, {}],
    [breakdown, null, {}],
    [breakdown, [], {}],
    [breakdown, even, { threshold: 1 }],
    [breakdown, even, { minimumTotal: 0.5 }],
  ])('misuse throws: %o %o %o', (breakdown, expected, options) => {
    expect(() => sampleRatioBySlice(breakdown as never, expected as never, options)).toThrow(
      expect.objectContaining({ code: 'invalid-statistics' }),
    )
  })
})
