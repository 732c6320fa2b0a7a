import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { summarizeExposures } from 'first-exposure'
import { sampleRatio } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'

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

describe('sampleRatio with phases', () => {
  /** One step a day from 1 June 2026, UTC, with its end. */
  const daily = (...increments: readonly Readonly<Record<string, number>>[]) =>
    increments.map((newIdentities, day) => ({
      start: new Date(Date.UTC(2026, 5, 1 + day)).toISOString(),
      end: new Date(Date.UTC(2026, 5, 2 + day)).toISOString(),
      newIdentities,
    }))
  const summary = (
    granularity: 'hour' | 'day',
    timeZone: string,
    points: readonly (readonly [bucket: string, newIdentities: Readonly<Record<string, number>>])[],
  ) => ({
    timeseries: {
      granularity,
      timeZone,
      points: points.map(([bucket, newIdentities]) => ({ bucket, newIdentities })),
    },
  })
  const ramp = [
    { shares: { control: 90, treatment: 10 } },
    { from: '2026-06-03T00:00:00Z', shares: { control: 50, treatment: 50 } },
  ]

  test('a ramp: each identity by its own split, where the plain test reports a false mismatch', () => {
    const steps = daily(
      { control: 900, treatment: 100 },
      { control: 1815, treatment: 185 },
      { control: 990, treatment: 1010 },
      { control: 505, treatment: 495 },
    )
    const totals = { control: 4210, treatment: 1790 }
    for (const { shares } of ramp) expect(sampleRatio(totals, shares).status).toBe('mismatch')
    expect(sampleRatio(steps, ramp)).toEqual({
      status: 'consistent',
      statistic: expect.closeTo(15 ** 2 / 2700 + 15 ** 2 / 300 + 2 * (5 ** 2 / 1500), 12),
      degreesOfFreedom: 2,
      // With 2 degrees of freedom the tail is exponential.
      pValue: expect.closeTo(Math.exp(-(225 / 2700 + 225 / 300 + 50 / 1500) / 2), 12),
      arms: [
        { variant: 'control', observed: 4210, expected: 4200, statisticShare: expect.any(Number) },
        { variant: 'treatment', observed: 1790, expected: 1800, statisticShare: expect.any(Number) },
      ],
    })
  })

  test('agrees with scipy, phase by phase', () => {
    const { rows } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/phased-sample-ratio.json', import.meta.url), 'utf8'),
    ) as {
      rows: [phases: [weights: number[], counts: number[]][], statistic: number, df: number, p: number][]
    }
    expect(rows).toHaveLength(36)
    const byArm = (numbers: readonly number[]) => Object.fromEntries(numbers.map((n, i) => [`arm ${i}`, n]))
    for (const [phases, statistic, degreesOfFreedom, pValue] of rows) {
      const result = sampleRatio(
        daily(...phases.map(([, counts]) => byArm(counts))),
        phases.map(([weights], day) => ({ from: Date.UTC(2026, 5, 1 + day), shares: byArm(weights) })),
      )
      expect(Math.abs((result.statistic ?? NaN) / statistic - 1)).toBeLessThan(1e-10)
      expect(result.degreesOfFreedom).toBe(degreesOfFreedom)
      expect(Math.abs((result.pValue ?? NaN) / pValue - 1)).toBeLessThan(1e-9)
      expect(result.status).toBe(pValue < 0.001 ? 'mismatch' : 'consistent')
    }
  })

  test('two phases that are wrong in opposite directions do not make up for each other', () => {
    const phases = [{ shares: { a: 1, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 1 } }]
    expect(sampleRatio({ a: 1000, b: 1000 }, { a: 1, b: 1 }).pValue).toBe(1)
    const result = sampleRatio(daily({ a: 600, b: 400 }, { a: 400, b: 600 }), phases)
    expect(result).toMatchObject({ status: 'mismatch', statistic: 80, degreesOfFreedom: 2 })
    expect(result.arms.map(({ observed, expected }) => [observed, expected])).toEqual([
      [1000, 1000],
      [1000, 1000],
    ])
  })

  test('a summary, a view and its points say the same', () => {
    const increments = [
      { control: 900, treatment: 100 },
      { control: 905, treatment: 95 },
      { control: 490, treatment: 510 },
    ]
    const steps = daily(...increments)
    const points = steps.map(({ start, newIdentities }) => [start, newIdentities] as const)
    const expected = sampleRatio(steps, ramp)
    expect(expected.status).toBe('consistent')
    expect(sampleRatio({ points: steps }, ramp)).toEqual(expected)
    expect(sampleRatio(summary('day', 'UTC', points), ramp)).toEqual(expected)
  })

  test('what summarizeExposures and exposuresView make', () => {
    const buckets = [
      { day: 1, control: 180, treatment: 20 },
      { day: 2, control: 450, treatment: 50 },
      { day: 3, control: 300, treatment: 320 },
    ].flatMap(({ day, ...newIdentities }) =>
      Object.entries(newIdentities).map(([variant, count]) => ({
        quarantined: false as const,
        variant,
        bucketMs: Date.UTC(2026, 5, day),
        newIdentities: count,
      })),
    )
    const exposures = summarizeExposures(buckets, { granularity: 'day' })
    const expected = sampleRatio(exposures, ramp)
    expect(expected).toMatchObject({ status: 'consistent', degreesOfFreedom: 2 })
    expect(sampleRatio(exposuresView(exposures), ramp)).toEqual(expected)
  })

  test('a bucket in which the split changed is left out and reported', () => {
    const steps = daily({ a: 500, b: 500 }, { a: 700, b: 300 }, { a: 900, b: 100 })
    const at = (from: number) =>
      sampleRatio(steps, [{ shares: { a: 1, b: 1 } }, { from, shares: { a: 9, b: 1 } }])
    const noon = at(Date.UTC(2026, 5, 2, 12))
    expect(noon).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(0, 20),
      degreesOfFreedom: 2,
    })
    expect(noon.unjudgedIdentities).toBe(1000)
    expect(noon.arms.map(({ observed }) => observed)).toEqual([1400, 600])
    // One millisecond decides, at both ends.
    expect(at(Date.UTC(2026, 5, 2)).unjudgedIdentities).toBeUndefined()
    expect(at(Date.UTC(2026, 5, 2) + 1).unjudgedIdentities).toBe(1000)
    expect(at(Date.UTC(2026, 5, 3) - 1).unjudgedIdentities).toBe(1000)
    expect(at(Date.UTC(2026, 5, 3)).unjudgedIdentities).toBeUndefined()
    expect(at(Date.UTC(2026, 5, 2)).status).toBe('mismatch')
  })

  test('a change between two sparse buckets splits neither', () => {
    const points = [
      ['2026-06-01T00:00:00.000Z', { a: 500, b: 500 }],
      ['2026-06-05T00:00:00.000Z', { a: 900, b: 100 }],
    ] as const
    const phases = [{ shares: { a: 1, b: 1 } }, { from: '2026-06-02T07:00:00Z', shares: { a: 9, b: 1 } }]
    const result = sampleRatio(summary('day', 'UTC', points), phases)
    expect(result.status).toBe('consistent')
    expect(result.unjudgedIdentities).toBeUndefined()
  })

  test('where clocks move by half an hour, the last hour of the day ends where the next begins', () => {
    // Lord Howe, 5 April 2026: the day lasts from 13:00 UTC to 13:30 of the next, and so does its last hour.
    const points = [
      ['2026-04-05T13:00:00.000Z', { a: 500, b: 500 }],
      ['2026-04-05T13:30:00.000Z', { a: 900, b: 100 }],
    ] as const
    const from = (instant: string) =>
      sampleRatio(summary('hour', 'Australia/Lord_Howe', points), [
        { shares: { a: 1, b: 1 } },
        { from: instant, shares: { a: 9, b: 1 } },
      ])
    expect(from('2026-04-05T13:29:59.999Z').unjudgedIdentities).toBe(1000)
    expect(from('2026-04-05T13:30:00.000Z')).toMatchObject({ status: 'consistent' })
    expect(from('2026-04-05T13:30:00.000Z').unjudgedIdentities).toBeUndefined()
    // In the second bucket, and no more in the first.
    expect(from('2026-04-05T13:45:00.000Z').unjudgedIdentities).toBe(1000)
  })

  test('days of 23 and 25 hours end when they end', () => {
    const unjudged = (timeZone: string, start: string, from: number) =>
      sampleRatio(summary('day', timeZone, [[start, { a: 500, b: 500 }]]), [
        { shares: { a: 1, b: 1 } },
        { from, shares: { a: 9, b: 1 } },
      ]).unjudgedIdentities
    for (const [timeZone, start, hours] of [
      ['Europe/Berlin', '2026-03-28T23:00:00.000Z', 23],
      ['Europe/Berlin', '2026-05-31T22:00:00.000Z', 24],
      ['Europe/Berlin', '2026-10-24T22:00:00.000Z', 25],
      ['America/St_Johns', '2010-11-06T02:30:00.000Z', 25],
    ] as const) {
      const end = Date.parse(start) + hours * 3_600_000
      expect(unjudged(timeZone, start, end - 1), `${timeZone} ${start}`).toBe(1000)
      expect(unjudged(timeZone, start, end), `${timeZone} ${start}`).toBeUndefined()
    }
    // The clock that was set back from 00:01 showed the next date for a minute, an hour before the day was over.
    expect(unjudged('America/St_Johns', '2010-11-06T02:30:00.000Z', Date.UTC(2010, 10, 7, 2, 30, 30))).toBe(
      1000,
    )
  })

  test('the phases may come in any order, and the earliest holds from the beginning', () => {
    const steps = daily({ a: 900, b: 100 }, { a: 500, b: 500 }, { a: 100, b: 900 })
    const phases = [
      { from: '2026-06-03T00:00:00Z', shares: { a: 1, b: 9 } },
      { from: new Date('2026-06-02T00:00:00Z'), shares: { a: 1, b: 1 } },
      { shares: { a: 9, b: 1 } },
    ]
    expect(sampleRatio(steps, phases)).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(0, 20),
      degreesOfFreedom: 3,
    })
    expect(sampleRatio(steps, phases.toReversed())).toEqual(sampleRatio(steps, phases))
    const dated = phases.map((phase) => ({ from: '2026-06-01T12:00:00Z', ...phase }))
    expect(sampleRatio(steps, dated)).toEqual(sampleRatio(steps, phases))
  })

  test('a phase too small for the test is left out and reported', () => {
    // One identity where 0.05 are expected would be a statistic of 18 by itself.
    const steps = daily({ a: 4, b: 1 }, { a: 510, b: 490 })
    const phases = [{ shares: { a: 99, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 1 } }]
    expect(sampleRatio(steps, phases)).toEqual({
      ...sampleRatio({ a: 510, b: 490 }, { a: 1, b: 1 }),
      unjudgedIdentities: 5,
    })
    expect(sampleRatio(steps, phases, { minimumTotal: 5 })).toMatchObject({
      status: 'mismatch',
      degreesOfFreedom: 2,
    })
  })

  test('no phase with enough traffic', () => {
    const phases = [{ shares: { a: 1, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 9, b: 1 } }]
    expect(sampleRatio(daily({ a: 99, b: 0 }, { a: 72, b: 8 }), phases)).toMatchObject({
      status: 'not-enough-traffic',
      reason: '99 identities were counted in the largest phase, and a verdict needs 100.',
      statistic: 99,
      degreesOfFreedom: 2,
    })
    expect(sampleRatio(daily({ a: 99 }), phases)).toMatchObject({ statistic: 99, degreesOfFreedom: 1 })
    expect(sampleRatio([], phases)).toMatchObject({
      status: 'not-enough-traffic',
      statistic: null,
      pValue: null,
      degreesOfFreedom: 2,
    })
  })

  test('a phase before the experiment, with one variant for all, has no ratio to test', () => {
    const phases = [
      { shares: { control: 100, treatment: 0 } },
      { from: Date.UTC(2026, 5, 2), shares: { control: 1, treatment: 1 } },
    ]
    const steps = daily({ control: 5000 }, { control: 300, treatment: 310 })
    expect(sampleRatio(steps, phases)).toEqual({
      ...sampleRatio({ control: 300, treatment: 310 }, { control: 1, treatment: 1 }),
      unjudgedIdentities: 5000,
    })
    expect(sampleRatio(daily({ control: 5000 }), phases)).toMatchObject({
      status: 'not-enough-traffic',
      statistic: null,
      unjudgedIdentities: 5000,
    })
    // Its identities do not make up for those that a verdict needs.
    expect(sampleRatio(daily({ control: 5000 }, { control: 3, treatment: 3 }), phases)).toMatchObject({
      status: 'not-enough-traffic',
      reason:
        '6 identities were counted in the phase from 2026-06-02T00:00:00.000Z, and a verdict needs 100.',
    })
  })

  test('identities where the split of their time has none are a mismatch that names the phase', () => {
    const phases = [
      { shares: { control: 100, treatment: 0 } },
      { from: Date.UTC(2026, 5, 2), shares: { control: 1, treatment: 1 } },
    ]
    const steps = daily({ control: 50, treatment: 2 }, { control: 300, treatment: 310, stray: 1 })
    const result = sampleRatio(steps, phases)
    expect(result).toMatchObject({ status: 'mismatch', statistic: null, pValue: 0 })
    expect(result.reason).toBe(
      'Identities were counted where none are expected: "treatment" (2 in the first phase), ' +
        '"stray" (1 in the phase from 2026-06-02T00:00:00.000Z).',
    )
    expect(result.arms).toEqual([
      { variant: 'control', observed: 350, expected: 357.5, statisticShare: null },
      { variant: 'treatment', observed: 312, expected: 305.5, statisticShare: null },
      { variant: 'stray', observed: 1, expected: null, statisticShare: null },
    ])
  })

  test('a variant that joins later has no share before, and is expected by its own phases', () => {
    const phases = [{ shares: { a: 1, b: 1 } }, { from: Date.UTC(2026, 5, 2), shares: { a: 1, b: 1, c: 2 } }]
    expect(sampleRatio(daily({ a: 100, b: 100 }, { a: 50, b: 50, c: 100 }), phases)).toEqual({
      status: 'consistent',
      statistic: 0,
      degreesOfFreedom: 3,
      pValue: 1,
      arms: [
        { variant: 'a', observed: 150, expected: 150, statisticShare: 0 },
        { variant: 'b', observed: 150, expected: 150, statisticShare: 0 },
        { variant: 'c', observed: 100, expected: 100, statisticShare: 0 },
      ],
    })
  })

  test.each([
    [[{ shares: { a: 1 } }], 'Only one variant has an expected share above 0: there is no ratio to test.'],
    [
      [{ shares: { a: 1 } }, { from: 0, shares: { b: 1 } }],
      'Only one variant has an expected share above 0: there is no ratio to test.',
    ],
    [
      [{ shares: { a: 1, b: 1 } }, { from: 0, shares: {} }],
      'No variant has an expected share above 0, in the phase from 1970-01-01T00:00:00.000Z.',
    ],
    [
      [{ shares: { a: NaN, b: 1 } }, { from: 0, shares: { a: 1, b: 1 } }],
      'The expected share of variant "a" is NaN, which is no share, in the first phase.',
    ],
  ] as [{ from?: number; shares: Record<string, number> }[], string][])(
    'not computable: %j',
    (phases, reason) => {
      expect(sampleRatio(daily({ a: 500, b: 500 }), phases)).toMatchObject({
        status: 'not-computable',
        reason,
      })
    },
  )

  test('not computable: a bucket without counts, wherever it is', () => {
    expect(sampleRatio(daily({ a: 500, b: 500 }, { a: -1 }), ramp)).toMatchObject({
      status: 'not-computable',
      reason:
        'In the bucket 2026-06-02T00:00:00.000Z the count of variant "a" is -1, which is no count of identities.',
    })
  })

  const [step] = daily({ a: 1 })
  const even = { shares: { a: 1, b: 1 } }
  const two = [even, { ...even, from: '2026-06-02T00:00:00Z' }]
  const good = summary('day', 'UTC', [])
  test.each([
    ['invalid-statistics', { a: 1 }, [even]],
    ['invalid-statistics', null, [even]],
    ['invalid-statistics', [{ ...step, end: undefined }], two],
    ['invalid-statistics', [{ ...step, end: step?.start }], two],
    ['invalid-statistics', [step, step], [even]],
    ['invalid-statistics', daily({ a: 1 }, { a: 1 }).toReversed(), [even]],
    ['invalid-statistics', daily({ a: '1' } as never), [even]],
    ['invalid-statistics', [step], []],
    ['invalid-statistics', [step], [null]],
    ['invalid-statistics', [step], [{ a: 1, b: 1 }]],
    ['invalid-statistics', [step], [even, even]],
    ['invalid-statistics', [step], [even, { from: 5, ...even }, { from: new Date(5), ...even }]],
    ['invalid-statistics', { timeseries: null }, [even]],
    ['invalid-statistics', { timeseries: { ...good.timeseries, granularity: 'week' } }, [even]],
    ['invalid-statistics', { timeseries: { ...good.timeseries, timeZone: 'Europe/Nowhere' } }, two],
    ['invalid-statistics', { timeseries: { ...good.timeseries, timeZone: undefined } }, two],
    ['invalid-statistics', { timeseries: { ...good.timeseries, points: {} } }, [even]],
    ['invalid-instant', { timeseries: { ...good.timeseries, points: [null] } }, [even]],
    ['invalid-instant', [{ ...step, start: '2026-06-01' }], [even]],
    ['invalid-instant', [{ ...step, end: '2026-06-02' }], two],
    ['invalid-instant', [step], [even, { ...even, from: '2026-06-01' }]],
    ['invalid-instant', [step], [even, { ...even, from: NaN }]],
  ])('misuse throws %s: %j %j', (code, observed, expected) => {
    expect(() => sampleRatio(observed as never, expected as never)).toThrow(expect.objectContaining({ code }))
  })

  test('an hour ends after an hour, whether or not the next one is there', () => {
    const steps = [
      { start: '2026-06-01T00:00:00Z', end: '2026-06-01T01:00:00Z', newIdentities: { a: 500, b: 500 } },
      { start: '2026-06-01T05:00:00Z', end: '2026-06-01T06:00:00Z', newIdentities: { a: 900, b: 100 } },
    ]
    const phases = [even, { from: Date.UTC(2026, 5, 1, 1), shares: { a: 9, b: 1 } }]
    expect(sampleRatio(steps, phases)).toMatchObject({
      status: 'consistent',
      statistic: expect.closeTo(0, 20),
    })
    const hours = summary(
      'hour',
      'Asia/Kolkata',
      steps.map(({ start, newIdentities }) => [start, newIdentities] as const),
    )
    expect(sampleRatio(hours, phases)).toEqual(sampleRatio(steps, phases))
    const within = [even, { from: Date.UTC(2026, 5, 1, 1) - 1, shares: { a: 9, b: 1 } }]
    expect(sampleRatio(hours, within).unjudgedIdentities).toBe(1000)
  })
})
