import { describe, expect, test } from 'vitest'
import { sampleRatio } from 'first-exposure/statistics'

describe('sampleRatio', () => {
  // The first: R. Kohavi, D. Tang and Y. Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 3, gives 1.8e-6.
  // The others are the values that public implementations of the check are tested with.
  test.each([
    [{ a: 821588, b: 815482 }, { a: 0.5, b: 0.5 }, 1.8217928726191858e-6],
    [{ a: 600, b: 400 }, { a: 0.5, b: 0.5 }, 2.5396285894708634e-10],
    [{ a: 1000, b: 950, c: 1050, d: 1000 }, { a: 0.25, b: 0.25, c: 0.25, d: 0.25 }, 0.1717971442967335],
    [{ a: 850, b: 150 }, { a: 0.9, b: 0.1 }, 1.3608022911357298e-7],
    [{ a: 310, b: 98 }, { a: 0.75, b: 0.25 }, 0.647434185701797],
    [{ a: 0, b: 10, c: 10 }, { a: 0.34, b: 0.33, c: 0.33 }, 0.0057906244034232005],
    [{ a: 3123, b: 6877 }, { a: 0.5, b: 0.5 }, 2.051357801920511e-308],
  ] as [Record<string, number>, Record<string, number>, number][])(
    'published: %j of %j',
    (observed, expected, published) => {
      const { pValue, status } = sampleRatio(observed, expected, { minimumTotal: 20 })
      expect(Math.abs((pValue ?? NaN) / published - 1)).toBeLessThan(1e-12)
      expect(status).toBe(published < 0.001 ? 'mismatch' : 'consistent')
    },
  )

  test('gives the evidence arm by arm, in the order of the expected variants', () => {
    expect(sampleRatio({ c: 80, a: 200, z: 0 }, { b: 20, a: 50, c: 30 })).toEqual({
      status: 'mismatch',
      reason: 'A split this far from the expected one has a probability of 1.64e-18, below 0.001.',
      statistic: expect.closeTo(56 + 60 ** 2 / 140 + 4 ** 2 / 84, 12),
      degreesOfFreedom: 2,
      // With 2 degrees of freedom the tail is exponential.
      pValue: expect.closeTo(Math.exp(-81.9047619047619 / 2), 30),
      arms: [
        {
          variant: 'b',
          observed: 0,
          expected: 56,
          statisticShare: expect.closeTo(56 / 81.9047619047619, 12),
        },
        { variant: 'a', observed: 200, expected: 140, statisticShare: expect.any(Number) },
        { variant: 'c', observed: 80, expected: 84, statisticShare: expect.any(Number) },
        { variant: 'z', observed: 0, expected: null, statisticShare: 0 },
      ],
    })
  })

  test('a consistent split has no reason', () => {
    expect(sampleRatio({ a: 50, b: 50 }, { a: 1, b: 1 })).toEqual({
      status: 'consistent',
      statistic: 0,
      degreesOfFreedom: 1,
      pValue: 1,
      arms: [
        { variant: 'a', observed: 50, expected: 50, statisticShare: 0 },
        { variant: 'b', observed: 50, expected: 50, statisticShare: 0 },
      ],
    })
  })

  test('identities in a variant with share 0 are a mismatch that names it, however few', () => {
    const result = sampleRatio({ a: 5, b: 4, off: 1 }, { a: 1, b: 1, off: 0 })
    expect(result).toMatchObject({ status: 'mismatch', statistic: null, degreesOfFreedom: 1, pValue: 0 })
    expect(result.reason).toBe('Identities were counted where none are expected: "off" (1).')
    expect(result.arms[2]).toEqual({ variant: 'off', observed: 1, expected: 0, statisticShare: null })
  })

  test('a variant that is not expected is reported, and with identities it is a mismatch', () => {
    const result = sampleRatio({ y: 3, a: 500, x: 2, b: 500 }, { a: 1, b: 1 })
    expect(result).toMatchObject({ status: 'mismatch', pValue: 0 })
    expect(result.reason).toBe('Identities were counted where none are expected: "x" (2), "y" (3).')
    expect(result.arms.slice(2)).toEqual([
      { variant: 'x', observed: 2, expected: null, statisticShare: null },
      { variant: 'y', observed: 3, expected: null, statisticShare: null },
    ])
  })

  test('a variant with share 0 and without identities is no degree of freedom', () => {
    const three = sampleRatio({ a: 300, b: 330 }, { a: 1, b: 1, off: 0 })
    const two = sampleRatio({ a: 300, b: 330 }, { a: 1, b: 1 })
    expect(three).toMatchObject({ degreesOfFreedom: 1, pValue: two.pValue, statistic: two.statistic })
  })

  test('the total decides whether there is enough traffic', () => {
    const expected = { a: 1, b: 1 }
    expect(sampleRatio({ a: 99, b: 0 }, expected).status).toBe('not-enough-traffic')
    expect(sampleRatio({ a: 99, b: 0 }, expected).reason).toBe(
      '99 identities were counted, and a verdict needs 100.',
    )
    expect(sampleRatio({ a: 100, b: 0 }, expected).status).toBe('mismatch')
    expect(sampleRatio({ a: 99, b: 0 }, expected, { minimumTotal: 99 }).status).toBe('mismatch')
    expect(sampleRatio({}, expected, { minimumTotal: 0 })).toMatchObject({
      status: 'not-enough-traffic',
      statistic: null,
      pValue: null,
    })
  })

  test('the threshold is exclusive', () => {
    const { pValue } = sampleRatio({ a: 520, b: 480 }, { a: 1, b: 1 })
    const p = pValue ?? NaN
    expect(sampleRatio({ a: 520, b: 480 }, { a: 1, b: 1 }, { threshold: p }).status).toBe('consistent')
    expect(sampleRatio({ a: 520, b: 480 }, { a: 1, b: 1 }, { threshold: p * (1 + 1e-12) }).status).toBe(
      'mismatch',
    )
  })

  test.each([
    [{ a: NaN, b: 500 }, { a: 1, b: 1 }, 'The count of variant "a" is NaN, which is no count of identities.'],
    [{ a: -1, b: 500 }, { a: 1, b: 1 }, 'The count of variant "a" is -1, which is no count of identities.'],
    [{ a: 1.5, b: 500 }, { a: 1, b: 1 }, 'The count of variant "a" is 1.5, which is no count of identities.'],
    [
      { a: Infinity },
      { a: 1, b: 1 },
      'The count of variant "a" is Infinity, which is no count of identities.',
    ],
    [{ a: 500 }, { a: NaN, b: 1 }, 'The expected share of variant "a" is NaN, which is no share.'],
    [{ a: 500 }, { a: 1, b: -0.1 }, 'The expected share of variant "b" is -0.1, which is no share.'],
    [{ a: 500 }, { a: Infinity, b: 1 }, 'The expected share of variant "a" is Infinity, which is no share.'],
    [{ a: 500 }, { a: 0, b: 0 }, 'No variant has an expected share above 0.'],
    [{ a: 500 }, {}, 'No variant has an expected share above 0.'],
    [{ a: 500 }, { a: 1 }, 'Only one variant has an expected share above 0: there is no ratio to test.'],
    [
      { a: 500 },
      { a: 1, b: 0 },
      'Only one variant has an expected share above 0: there is no ratio to test.',
    ],
  ] as [Record<string, number>, Record<string, number>, string][])(
    'not computable: %o of %o',
    (observed, expected, reason) => {
      expect(sampleRatio(observed, expected)).toEqual({
        status: 'not-computable',
        reason,
        statistic: null,
        degreesOfFreedom: null,
        pValue: null,
        arms: [],
      })
    },
  )

  test('prototype keys are ordinary variants', () => {
    const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']
    const record = (value: number) => Object.fromEntries(keys.map((key) => [key, value]))
    const result = sampleRatio(record(100), record(1))
    expect(result.status).toBe('consistent')
    expect(result.arms.map(({ variant }) => variant)).toEqual(keys)
    // Not inherited: an empty object has seen no constructor.
    expect(sampleRatio({}, record(1)).arms.map(({ observed }) => observed)).toEqual([0, 0, 0, 0, 0])
    expect(sampleRatio(record(100), { a: 1, b: 1 }).arms).toHaveLength(7)
  })

  test('shares of any size, and as far apart as doubles are', () => {
    expect(sampleRatio({ a: 500, b: 500 }, { a: 1.7e308, b: 1.7e308 }).pValue).toBe(1)
    expect(sampleRatio({ a: 500, b: 500 }, { a: 5e-324, b: 5e-324 }).pValue).toBe(1)
    expect(sampleRatio({ a: 500, b: 500 }, { a: 1e-300, b: 1 })).toMatchObject({
      status: 'mismatch',
      pValue: 0,
    })
    expect(sampleRatio({ a: 0, b: 500 }, { a: 1e-300, b: 1 }).status).toBe('consistent')
    expect(sampleRatio({ a: 1, b: 500 }, { a: 5e-324, b: 1e300 })).toMatchObject({ status: 'not-computable' })
  })

  test.each([
    [null, { a: 1, b: 1 }, {}],
    [new Map([['a', 1]]), { a: 1, b: 1 }, {}],
    [[1, 2], { a: 1, b: 1 }, {}],
    [{ a: '5' }, { a: 1, b: 1 }, {}],
    [{ a: 5n }, { a: 1, b: 1 }, {}],
    [{ a: 5 }, undefined, {}],
    [{ a: 5 }, { a: '50%' }, {}],
    [{ a: 5 }, { a: 1, b: 1 }, { threshold: 0 }],
    [{ a: 5 }, { a: 1, b: 1 }, { threshold: 1 }],
    [{ a: 5 }, { a: 1, b: 1 }, { threshold: NaN }],
    [{ a: 5 }, { a: 1, b: 1 }, { minimumTotal: -1 }],
    [{ a: 5 }, { a: 1, b: 1 }, { minimumTotal: NaN }],
  ])('misuse throws: %o %o %o', (observed, expected, options) => {
    expect(() => sampleRatio(observed as never, expected as never, options)).toThrow(
      expect.objectContaining({ code: 'invalid-statistics' }),
    )
  })
})
