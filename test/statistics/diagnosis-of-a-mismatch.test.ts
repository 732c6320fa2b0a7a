import { describe, expect, test } from 'vitest'
import {
  assignedRatio,
  crossoverBias,
  exposureHealth,
  overlapIndependence,
  quarantineOverTime,
  sampleRatio,
  sampleRatioOnset,
  sampleRatioWithin,
  uniformPValues,
} from 'first-exposure/statistics'

const even = { a: 1, b: 1 }
const hourMs = 3_600_000
const startOf = (day: number) => new Date(Date.UTC(2026, 5, 1 + day)).toISOString()
/** One step a day from 1 June 2026, UTC, with its end. */
const daily = (...increments: readonly Readonly<Record<string, number>>[]) =>
  increments.map((newIdentities, day) => ({ start: startOf(day), end: startOf(day + 1), newIdentities }))
/** One step from an hour of 1 June to another. */
const span = (from: number, to: number, newIdentities: Readonly<Record<string, number>>) => ({
  start: new Date(Date.UTC(2026, 5, 1, from)).toISOString(),
  end: new Date(Date.UTC(2026, 5, 1, to)).toISOString(),
  newIdentities,
})
/** As many identities, half of them in each arm. */
const halves = (identities: number) => ({ a: identities / 2, b: identities / 2 })
const noonOf = (day: number) => Date.UTC(2026, 5, 1 + day, 12)

function expectFrozen(value: unknown): void {
  expect(JSON.parse(JSON.stringify(value))).toEqual(value)
  expect(Object.isFrozen(value)).toBe(true)
}

describe('assignedRatio', () => {
  test('is the sample ratio of counted and quarantined together', () => {
    const counts = { counted: { a: 900, b: 800 }, quarantined: { a: 100, b: 200, c: 1 } }
    expect(assignedRatio(counts, even)).toEqual(sampleRatio({ a: 1000, b: 1000, c: 1 }, even))
    expect(sampleRatio(counts.counted, { a: 1, b: 1 }).pValue).toBeLessThan(0.02)
  })

  test('with phases, each by its own time', () => {
    const phases = [{ shares: { a: 9, b: 1 } }, { from: startOf(1), shares: even }]
    // Everybody who was in a before the change and came back went into quarantine.
    const counted = daily({ a: 500, b: 100 }, { a: 500, b: 500 })
    const quarantined = daily({ a: 400, b: 0 }, {})
    expect(sampleRatio(counted, phases).status).toBe('mismatch')
    expect(assignedRatio({ counted, quarantined }, phases)).toMatchObject({
      status: 'consistent',
      pValue: 1,
    })
    expect(crossoverBias({ counted: { a: 1000, b: 600 }, quarantined: { a: 400 } }).status).toBe('mismatch')
  })

  test('a view beside plain numbers, with variants left out', () => {
    const result = assignedRatio(
      { counted: { points: daily({ a: 90, b: 80, off: 7 }) }, quarantined: { a: 10, b: 20 } },
      even,
      { leaveOut: ['off'] },
    )
    expect(result).toMatchObject({ status: 'consistent', statistic: 0, leftOut: [{ variant: 'off' }] })
  })

  test.each([
    [{ threshold: 0.05 }, { status: 'mismatch' }],
    [{ warningThreshold: 0.05 }, { status: 'consistent', severity: 'warning' }],
    [{ minimumTotal: 1011 }, { status: 'not-enough-traffic' }],
    [{ window: { asOfMs: Date.parse(startOf(1)) } }, { neededTotal: 98, statistic: 80 ** 2 / 1000 }],
  ])('%j is for the sum what it is for sampleRatio', (options, changes) => {
    // 545 and 465 in all, a p-value of 0.012; on the first day 540 and 460.
    const counts = {
      counted: daily({ a: 500, b: 440 }, { a: 5, b: 5 }),
      quarantined: daily({ a: 40, b: 20 }, {}),
    }
    expect(assignedRatio(counts, even)).toMatchObject({ status: 'consistent', severity: 'none' })
    const result = assignedRatio(counts, even, options)
    expect(result).toMatchObject(changes)
    expect(result).toEqual(sampleRatio(daily({ a: 540, b: 460 }, { a: 5, b: 5 }), even, options))
  })
})

describe('sampleRatioOnset', () => {
  const right = { a: 500, b: 500 }
  const wrong = { a: 500, b: 400 }

  test('names the bucket, the phase and the arm, with what speaks for them', () => {
    const phases = [{ shares: { a: 1, b: 3 } }, { from: startOf(2), shares: even }]
    const points = daily({ a: 250, b: 750 }, { a: 240, b: 760 }, right, right, wrong, wrong, wrong, wrong)
    const result = sampleRatioOnset(points, phases)
    expect(result).toMatchObject({
      status: 'found',
      reason: `The split is off since ${startOf(4)}: "a" has 2000 identities since then and should have 1800.`,
      onset: {
        start: startOf(4),
        phase: 1,
        arm: { variant: 'a', observed: 2000, expected: 1800 },
      },
    })
    expectFrozen(result)
    const { onset, logBayesFactor, pValue, buckets } = result
    expect(onset?.arm.residual).toBeCloseTo(200 / Math.sqrt(900), 10)
    expect(onset?.probability).toBeGreaterThan(0.9)
    expect(onset?.earliest === startOf(3) || onset?.earliest === startOf(4)).toBe(true)
    expect(onset?.latest === startOf(4) || onset?.latest === startOf(5)).toBe(true)
    expect(pValue).toBeCloseTo(Math.exp(-(logBayesFactor ?? NaN)), 15)
    expect(buckets.map(({ phase }) => phase)).toEqual([0, 0, 1, 1, 1, 1, 1, 1])
    // 500 : 400 is no mismatch in a day by itself, with eight looked at.
    expect(buckets.some(({ isBroken }) => isBroken)).toBe(false)
  })

  test('a fault from the start is one, and a day that was repaired is a bucket', () => {
    expect(sampleRatioOnset(daily(wrong, wrong, wrong, wrong), even).onset?.start).toBe(startOf(0))
    const repaired = sampleRatioOnset(daily(right, right, { a: 700, b: 400 }, right, right, right), even)
    expect(repaired.buckets.map(({ isBroken }) => isBroken)).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
    ])
    const [arm] = repaired.buckets[2]?.arms ?? []
    // One test a bucket, since each of two arms says what the other says: six.
    expect(arm?.adjustedPValue).toBeCloseTo(6 * (sampleRatio({ a: 700, b: 400 }, even).pValue ?? NaN), 20)
    expect(arm?.residual).toBeCloseTo(150 / Math.sqrt(275), 10)
  })

  test('with three arms, the one that is off', () => {
    const three = { a: 400, b: 400, c: 400 }
    const result = sampleRatioOnset(daily(three, three, { ...three, c: 200 }, { ...three, c: 210 }), {
      a: 1,
      b: 1,
      c: 1,
    })
    expect(result).toMatchObject({ status: 'found', onset: { start: startOf(2), arm: { variant: 'c' } } })
    expect(result.buckets.map(({ isBroken }) => isBroken)).toEqual([false, false, true, true])
  })

  test('of three arms each has a test of its own, and one that is off breaks the bucket', () => {
    const counts = { a: 400, b: 480, c: 320 }
    const { buckets } = sampleRatioOnset(daily({ a: 400, b: 400, c: 400 }, counts), { a: 1, b: 1, c: 1 })
    const alone = (arm: number) =>
      sampleRatio({ arm, others: 1200 - arm }, { arm: 1, others: 2 }).pValue ?? NaN
    // Of six tests, four have a p-value of 1. Those of b and c are as far off as each other.
    const expected = 6 * Math.min(alone(480), alone(320))
    const [a, b, c] = buckets[1]?.arms.map(({ adjustedPValue }) => adjustedPValue) ?? []
    expect(a).toBe(1)
    expect((b ?? NaN) / expected).toBeCloseTo(1, 9)
    expect((c ?? NaN) / expected).toBeCloseTo(1, 9)
    expect(buckets.map(({ isBroken }) => isBroken)).toEqual([false, true])
  })

  test('the threshold itself is not below the threshold, for the change and for a bucket', () => {
    const at = (points: ReturnType<typeof daily>, threshold: number) => {
      const { status, buckets } = sampleRatioOnset(points, even, { threshold })
      return [status, buckets[0]?.isBroken]
    }
    const change = daily({ a: 500, b: 400 })
    const p = sampleRatioOnset(change, even).pValue ?? NaN
    expect(at(change, p)[0]).toBe('not-found')
    expect(at(change, p * (1 + 1e-12))[0]).toBe('found')
    const bucket = daily({ a: 550, b: 450 })
    const q = sampleRatio({ a: 550, b: 450 }, even).pValue ?? NaN
    expect(at(bucket, q)[1]).toBe(false)
    expect(at(bucket, q * (1 + 1e-12))[1]).toBe(true)
  })

  test('a single phase is plain shares: no step needs its end', () => {
    const points = daily(right, wrong, wrong).map(({ start, newIdentities }) => ({ start, newIdentities }))
    expect(sampleRatioOnset(points, [{ shares: even }])).toEqual(sampleRatioOnset(points, even))
  })

  test('a variant that is left out is in no bucket, and its share goes to the others', () => {
    const points = daily({ ...right, off: 700 }, { ...wrong, off: 9 })
    expect(sampleRatioOnset(points, { ...even, off: 2 }, { leaveOut: ['off'] })).toEqual(
      sampleRatioOnset(daily(right, wrong), even),
    )
  })

  test('where one bucket has all but nothing of the probability, it is the earliest and the latest', () => {
    const halved = { a: 5000, b: 2500 }
    const { onset } = sampleRatioOnset(daily({ a: 5000, b: 5000 }, halved, halved, halved), even)
    expect(onset).toMatchObject({ start: startOf(1), earliest: startOf(1), latest: startOf(1) })
    expect(onset?.probability).toBeGreaterThan(0.999)
  })

  test('an arm of a phase in which nobody came is not the one that is off', () => {
    const phases = [{ shares: { c: 1, d: 1 } }, { from: startOf(1), shares: even }]
    const { onset } = sampleRatioOnset(daily({}, { a: 900, b: 500 }), phases)
    expect(onset).toMatchObject({ start: startOf(1), phase: 1, probability: 1, earliest: startOf(1) })
    // 900 of 1400, where the variance is 1400 / 4.
    expect(onset?.arm).toEqual({
      variant: 'a',
      observed: 900,
      expected: 700,
      residual: expect.closeTo(200 / Math.sqrt(350), 10),
    })
  })

  test('one test a bucket of two arms: the correction is for as many tests as there are', () => {
    const counts = Array.from({ length: 20 }, (_, day) =>
      day === 3 ? { a: 140, b: 80 } : { a: 110, b: 110 },
    )
    const { buckets } = sampleRatioOnset(daily(...counts), even)
    expect(buckets[3]?.arms[0]?.adjustedPValue).toBeCloseTo(0.00126302996, 11)
  })

  test('the buckets between which it began hold 95 % of the probability', () => {
    const days = [500, 505, 495, 455, 450, 445, 450].map((b) => ({ a: 500, b }))
    expect(sampleRatioOnset(daily(...days), even, { threshold: 0.2 }).onset).toMatchObject({
      start: startOf(3),
      probability: expect.closeTo(0.397017, 6),
      earliest: startOf(0),
      latest: startOf(6),
    })
  })

  test.each<[where: string, points: ReturnType<typeof daily>]>([
    ['before the others', daily({}, {}, {}, right, right, wrong, wrong, wrong, wrong)],
    ['between them', daily(right, {}, right, wrong, {}, { a: 0, b: 0 }, wrong, wrong, wrong)],
    ['after them', daily(right, right, wrong, wrong, wrong, wrong, {}, {}, {})],
    ['with strays alone', daily({ c: 5 }, right, right, wrong, wrong, wrong, wrong, { c: 5 })],
  ])('buckets without anybody change nothing: %s', (_, points) => {
    const busy = points.filter(({ newIdentities }) => 'a' in newIdentities && newIdentities['a'] !== 0)
    expect(sampleRatioOnset(points, even)).toEqual(sampleRatioOnset(busy, even))
  })

  test('the correction is for the buckets with identities, however many are between them', () => {
    const hours = Array.from({ length: 240 }, (_, hour) =>
      span(hour, hour + 1, hour % 24 > 0 ? {} : hour === 48 ? { a: 60, b: 20 } : { a: 40, b: 40 }),
    )
    const { buckets } = sampleRatioOnset(hours, even)
    expect(buckets).toHaveLength(10)
    // One test a bucket: ten.
    const alone = sampleRatio({ a: 60, b: 20 }, even).pValue ?? NaN
    expect(buckets[2]?.arms[0]?.adjustedPValue).toBeCloseTo(10 * alone, 12)
    expect(buckets.flatMap(({ isBroken }, place) => (isBroken ? [place] : []))).toEqual([2])
  })

  test('a bucket with a single possible arm is left out', () => {
    const opened = [{ shares: { a: 1 } }, { from: startOf(1), shares: even }]
    expect(sampleRatioOnset(daily({ a: 50 }, right), opened).buckets.map(({ start }) => start)).toEqual([
      startOf(1),
    ])
  })

  test.each([
    [{ a: 500 }, 0, -Math.sqrt(500e-20), 1],
    // One of 501 in b, where one in 1e20 should be.
    [{ a: 500, b: 1 }, -1 / Math.sqrt(501e-20), 1 / Math.sqrt(501e-20), 501e-20],
  ])('of %j, where an arm has all but 1e-20 of the share, all is a number', (counts, a, b, pValue) => {
    const result = sampleRatioOnset(daily(counts), { a: 1, b: 1e-20 })
    const [first, second] = result.buckets[0]?.arms ?? []
    expect(Math.abs((first?.residual ?? NaN) - a)).toBeLessThanOrEqual(1e-12 * Math.abs(a))
    expect((second?.residual ?? NaN) / b).toBeCloseTo(1, 12)
    expect((first?.adjustedPValue ?? NaN) / pValue).toBeCloseTo(1, 12)
    expectFrozen(result)
  })

  test('beside such an arm an onset is named by a residual, too', () => {
    const { onset } = sampleRatioOnset(daily({ a: 100, b: 30 }), { a: 1, b: 1e-20 })
    // Two arms are equally far from what they should have: the first is named.
    expect(onset?.arm).toMatchObject({ variant: 'a', observed: 100, expected: 130 })
    expect((onset?.arm.residual ?? NaN) / (-30 / Math.sqrt(130e-20))).toBeCloseTo(1, 12)
  })

  test('what the window does not cover is no bucket', () => {
    const points = daily(right, right, wrong, wrong)
    const starts = (window: { startMs?: number; asOfMs: number }) =>
      sampleRatioOnset(points, even, { window }).buckets.map(({ start }) => start)
    expect(starts({ asOfMs: noonOf(1) })).toEqual([startOf(0), startOf(1)])
    expect(starts({ startMs: noonOf(1), asOfMs: Date.parse(startOf(3)) })).toEqual([startOf(1), startOf(2)])
    // The next step says that the one before it is over.
    const withoutEnds = points.map(({ start, newIdentities }) => ({ start, newIdentities }))
    const window = { startMs: Date.parse(startOf(1)), asOfMs: Date.parse(startOf(3)) }
    expect(sampleRatioOnset(withoutEnds, even, { window }).buckets).toHaveLength(2)
  })

  test('a right split has none, and what cannot be computed says why', () => {
    expect(sampleRatioOnset(daily(right, { a: 510, b: 495 }, right), even)).toMatchObject({
      status: 'not-found',
      onset: null,
      pValue: 1,
    })
    expect(sampleRatioOnset(daily(right), { a: 1 })).toMatchObject({ status: 'not-computable', buckets: [] })
    expect(sampleRatioOnset([], even).reason).toBe('No bucket that can be judged has an identity.')
    expect(sampleRatioOnset(daily({}, { a: 0 }), even)).toMatchObject({
      status: 'not-computable',
      reason: 'No bucket that can be judged has an identity.',
    })
    expect(sampleRatioOnset(daily(right, { a: NaN }), even)).toMatchObject({
      status: 'not-computable',
      reason: `In the bucket ${startOf(1)} the count of variant "a" is NaN, which cannot be a count of identities.`,
    })
    // A bucket in which the split changed is left out.
    const noon = new Date(Date.UTC(2026, 5, 2, 12))
    const phases = [{ shares: even }, { from: noon, shares: { a: 2, b: 1 } }]
    expect(sampleRatioOnset(daily(right, right, { a: 600, b: 300 }), phases).buckets).toHaveLength(2)
  })
})

describe('exposureHealth', () => {
  const day = { a: 500, b: 500 }

  test('an arm that stopped being exposed, from the first hour in which chance cannot explain it', () => {
    // Two arms, each with half: 2 · ½ⁿ < 0.001 from n = 11.
    const health = (others: number) => exposureHealth(daily(day, day, { a: others }), even)
    expect(health(10)).toMatchObject({ status: 'healthy' })
    expect(health(10).arms[1]).toMatchObject({ lastSeen: startOf(1), othersSince: 10, pValue: 2 / 1024 })
    const silent = health(11)
    expect(silent.arms.map(({ isSilent }) => isSilent)).toEqual([false, true])
    expect(silent).toMatchObject({
      status: 'warning',
      reason: `"b" has no identity since the bucket ${startOf(1)}, while 11 fell on other arms.`,
    })
    expectFrozen(silent)
  })

  test('an arm that got less before is judged by what it got', () => {
    const uneven = { a: 990, b: 10 }
    expect(exposureHealth(daily(uneven, uneven, { a: 300 }), even).arms[1]?.isSilent).toBe(false)
    expect(exposureHealth(daily(uneven, uneven, { a: 900 }), even).arms[1]?.isSilent).toBe(true)
    expect(exposureHealth(daily({ a: 50 }), even).arms[1]).toMatchObject({ lastSeen: null, isSilent: true })
    // An arm that a phase closed is not silent.
    const closed = [{ shares: even }, { from: startOf(1), shares: { a: 1, b: 0 } }]
    expect(exposureHealth(daily(day, { a: 900 }), closed).arms[1]?.isSilent).toBe(false)
  })

  test('the p-value of a silent arm is compared with the threshold, and is at most 1', () => {
    expect(exposureHealth(daily(day, { a: 10 }), even, { threshold: 2 / 1024 }).arms[1]).toMatchObject({
      pValue: 2 / 1024,
      isSilent: false,
    })
    // b got more than its half, and is judged by its half.
    expect(exposureHealth(daily({ a: 100, b: 300 }, { a: 9 }), even).arms[1]?.pValue).toBeCloseTo(2 / 512, 15)
  })

  test('a bucket without anybody says nothing, even where an arm should get everybody', () => {
    const phases = [{ shares: { a: 1 } }, { from: startOf(1), shares: even }]
    const result = exposureHealth(daily({}, { b: 5 }), phases)
    expect(result.arms[0]?.pValue).toBeCloseTo(2 * 0.5 ** 5, 15)
    expectFrozen(result)
  })

  test('what an arm got before is compared with what it should have got in the same buckets', () => {
    // On 2 June the split changed: nobody can say what b should have got.
    const phases = [{ shares: even }, { from: new Date(noonOf(1)), shares: { a: 1.0001, b: 1 } }]
    const result = exposureHealth(daily({ a: 990, b: 10 }, { a: 500, b: 490 }, { a: 15 }), phases)
    expect(result.arms[1]).toMatchObject({ identities: 500, pValue: 1, isSilent: false })
    // On 1 June b was no arm: whoever is in it is a stray.
    const added = [{ shares: { a: 1, c: 1 } }, { from: startOf(1), shares: { a: 1, b: 1 } }]
    const strays = exposureHealth(daily({ a: 500, b: 490 }, { a: 990, b: 10 }, { a: 15 }), added)
    expect(strays.arms.find(({ variant }) => variant === 'b')).toMatchObject({ pValue: 1, isSilent: false })
  })

  test('a bucket in which the split changed says nothing about a silence, and those after it do', () => {
    const phases = [{ shares: even }, { from: new Date(noonOf(1)), shares: { a: 3, b: 1 } }]
    const arm = (...last: Record<string, number>[]) =>
      exposureHealth(daily(day, { a: 900 }, ...last), phases).arms[1]
    expect(arm()).toMatchObject({ lastSeen: startOf(0), othersSince: 900, pValue: 1, isSilent: false })
    // Two arms, of which b has a quarter now: 2 · ¾ⁿ.
    expect(arm({ a: 8 })?.pValue).toBeCloseTo(2 * 0.75 ** 8, 15)
    expect(arm({ a: 8 })).toMatchObject({ lastSeen: startOf(0), othersSince: 908, isSilent: false })
  })

  test('an arm that was never seen is said to have no identity', () => {
    expect(exposureHealth(daily({ a: 50 }), even)).toMatchObject({
      status: 'warning',
      reason: '"b" has no identity, while 50 fell on other arms.',
    })
  })

  test('strays and variants that are left out are in no total', () => {
    const busy = { ...day, off: 300, qa: 40 }
    const steps = daily(busy, busy, busy, { a: 10, off: 300, qa: 40 })
    const result = exposureHealth(steps, { a: 45, b: 45, off: 10 }, { leaveOut: ['off'] })
    expect(result).toEqual(exposureHealth(daily(day, day, day, { a: 10 }), even))
    expect(result.arms.map(({ variant, othersSince }) => [variant, othersSince])).toEqual([
      ['a', 0],
      ['b', 10],
    ])
    expect(result.rate).toMatchObject({ recent: 10, usual: 1000 })
  })

  test('a silent arm and a fallen rate are two sentences', () => {
    const { reason } = exposureHealth(daily(day, day, day, { a: 100 }), even)
    expect(reason).toBe(
      `"b" has no identity since the bucket ${startOf(2)}, while 100 fell on other arms. ` +
        'The last 24 hours brought 100 identities, 10 % of the usual 1000.',
    )
  })

  test('an hour that brought one is said so', () => {
    const hour = (place: number, newIdentities: Record<string, number>) =>
      span(place, place + 1, newIdentities)
    const steps = [hour(0, halves(100)), hour(1, halves(100)), hour(2, halves(100)), hour(3, { a: 1 })]
    expect(exposureHealth(steps, even, { periodHours: 1 })).toMatchObject({
      reason: 'The last hour brought 1 identity, 1 % of the usual 100.',
    })
  })

  test('a rate that fell off, against the days before', () => {
    const health = (...last: Record<string, number>[]) =>
      exposureHealth(daily(day, day, day, day, ...last), even)
    expect(health({ a: 260, b: 250 }).rate).toEqual({
      status: 'steady',
      recent: 510,
      usual: 1000,
      ratio: 0.51,
    })
    expect(health({ a: 240, b: 250 }).rate).toEqual({
      status: 'fallen',
      recent: 490,
      usual: 1000,
      ratio: 0.49,
    })
    expect(health({ a: 240, b: 250 }).reason).toBe(
      'The last 24 hours brought 490 identities, 49 % of the usual 1000.',
    )
    expect(exposureHealth(daily(day, day, { a: 1, b: 1 }), even).rate.status).toBe('unknown')
    // Half of a handful is chance.
    const few = { a: 5, b: 4 }
    expect(exposureHealth(daily(few, few, few, few, { a: 2, b: 1 }), even).rate.status).toBe('steady')
    expect(
      exposureHealth(daily(day, day, day, day, { a: 400, b: 420 }), even, { fallenBelow: 0.9 }).rate.status,
    ).toBe('fallen')
  })

  const days = (...identities: readonly number[]) => daily(...identities.map(halves))
  const fourDays = days(1000, 1000, 1000, 1000)

  test.each([
    [
      'a first period that is nearly whole counts',
      [
        span(2, 24, halves(100)),
        span(24, 48, halves(100)),
        span(48, 72, halves(100)),
        span(72, 96, halves(20)),
      ],
      { status: 'fallen', recent: 20 },
    ],
    [
      'a day of 25 hours is in the period of its middle',
      [...days(100, 100, 100, 100), span(96, 121, halves(20))],
      { recent: 20 },
    ],
    [
      'a bucket before the first whole period is in none',
      [span(0, 12, halves(1000)), ...[12, 36, 60].map((from) => span(from, from + 24, halves(100)))],
      { status: 'unknown', recent: 100, usual: 100 },
    ],
    ['the usual rate is a median', days(1000, 400, 900, 600, 700), { usual: 750, recent: 700 }],
    ['a median with periods of nobody', days(900, 0, 0, 600, 0, 700), { usual: 0, status: 'unknown' }],
    ['a median above periods of nobody', days(900, 0, 0, 600, 500, 700), { usual: 500, status: 'steady' }],
    ['a median between nobody and some', days(900, 0, 0, 600, 700), { usual: 300, status: 'steady' }],
    ['none is before the first identity', days(0, 0, 0, 900, 700), { usual: 900, status: 'unknown' }],
    [
      'one without a bucket has nobody',
      days(900, 0, 400, 600, 700).filter(({ newIdentities }) => newIdentities['a'] !== 0),
      { usual: 500, status: 'steady' },
    ],
    ['half is not below half', days(1000, 1000, 1000, 500), { status: 'steady', ratio: 0.5 }],
  ])('of the periods, %s', (_, steps, rate) => {
    expect(exposureHealth(steps, even).rate).toMatchObject(rate)
  })

  test('one period alone has no usual rate', () => {
    const rate = { status: 'unknown', recent: 1000, usual: null, ratio: null }
    expect(exposureHealth(days(1000), even).rate).toEqual(rate)
  })

  test('a rate has not fallen where chance divides the two so with the threshold itself', () => {
    // All ten of a fair coin are on one side: 2⁻¹⁰.
    const status = (threshold: number) => exposureHealth(days(10, 10, 10, 0), even, { threshold }).rate.status
    expect(status(2 ** -10)).toBe('steady')
    expect(status(2 ** -10 * (1 + 1e-12))).toBe('fallen')
  })

  test('a period is an hour at least, and no time is too long to be divided into periods', () => {
    expect(exposureHealth(fourDays, even, { periodHours: 1e6 }).rate.status).toBe('unknown')
    const longAgo = { start: '0001-01-01T00:00:00Z', end: '0001-01-02T00:00:00Z', newIdentities: day }
    const result = exposureHealth([longAgo, ...fourDays], even, {
      periodHours: 1,
      window: { asOfMs: 8.64e15 },
    })
    expect(result.rate).toEqual({ status: 'unknown', recent: 0, usual: 0, ratio: null })
    // The window of a summary is the caller's.
    const { window } = { window: { asOfMs: Infinity } }
    const timeseries = {
      granularity: 'day' as const,
      timeZone: 'UTC',
      points: fourDays.map(({ start, newIdentities }) => ({ bucket: start, newIdentities })),
    }
    expect(exposureHealth({ timeseries, window }, even).rate.recent).toBe(1000)
  })

  test('a bucket that is not over when the window ends is not read, nor one after it', () => {
    const window = { asOfMs: noonOf(1) }
    const result = exposureHealth([...fourDays], even, { window })
    expect(result.arms.map(({ identities }) => identities)).toEqual([500, 500])
    expect(result.rate.recent).toBe(1000)
  })

  test('the window of the options goes before that of the view', () => {
    const view = { points: fourDays, window: { asOfMs: Date.parse(startOf(4)) } }
    expect(exposureHealth(view, even).rate.recent).toBe(1000)
    const window = { asOfMs: Date.parse(startOf(5)) }
    expect(exposureHealth(view, even, { window }).rate.recent).toBe(0)
  })

  test('silence after the last bucket is seen where the window says that time went on', () => {
    const points = daily(day, day, day, day)
    expect(exposureHealth(points, even).rate.status).toBe('steady')
    const window = { startMs: Date.UTC(2026, 5, 1), asOfMs: Date.UTC(2026, 5, 6) }
    const rate = { status: 'fallen', recent: 0, usual: 1000, ratio: 0 }
    expect(exposureHealth(points, even, { window }).rate).toEqual(rate)
    expect(exposureHealth({ points, window }, even).rate).toEqual(rate)
    // An open bucket is not read: it is not over.
    const noon = { ...window, asOfMs: Date.UTC(2026, 5, 5, 12) }
    expect(exposureHealth(daily(day, day, day, day, { a: 1, b: 1 }), even, { window: noon }).rate).toEqual({
      status: 'steady',
      recent: 1000,
      usual: 1000,
      ratio: 1,
    })
  })

  test.each<[what: string, identities: readonly number[], usual: number, from: number]>([
    // The fewest of which a median is usual.
    ['three days', [1000, 1000, 1000], 1000, 1],
    ['ten days', [100, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 500], 1000, 1],
    ['a series with a gap', [1000, 0, 1000, 900, 800], 900, 1],
  ])('however long a silence is, it is not usual: after %s', (_, identities, usual, from) => {
    const silences = [0, 0.5, 1, 1.4, 2, 2.6, 3, 4, 5, 11, 14, 200]
    const found = silences.map((silent) => {
      const asOfMs = Date.parse(startOf(identities.length)) + silent * 24 * hourMs
      return exposureHealth(days(...identities), even, { window: { asOfMs } })
    })
    const late = found.filter((_each, place) => (silences[place] ?? 0) >= from)
    for (const { status, reason, rate } of late) {
      expect([status, reason]).toEqual([
        'warning',
        `The last 24 hours brought 0 identities, 0 % of the usual ${usual}.`,
      ])
      expect(rate).toEqual({ status: 'fallen', recent: 0, usual, ratio: 0 })
    }
    // Once it is seen, it stays.
    const seen = found.map(({ status }) => status === 'warning')
    expect(seen.lastIndexOf(false)).toBeLessThan(seen.indexOf(true))
  })

  test.each([
    ['two days', days(800, 1000), 900, 0],
    ['nearly three days', [0, 20, 40, 68].map((hour) => span(hour, hour + 1, halves(100))), 100, 0],
    ['part of a day', [span(6, 7, halves(30)), span(7, 8, halves(70))], null, null],
  ])('%s is not yet usual, however long the silence after it', (_, steps, usual, ratio) => {
    for (const day of [5, 9, 200]) {
      const result = exposureHealth(steps, even, { window: { asOfMs: Date.parse(startOf(day)) } })
      expect(result).toMatchObject({
        status: 'healthy',
        rate: { status: 'unknown', recent: 0, usual, ratio },
      })
    }
  })

  test.each<[what: string, identities: readonly number[], status: string]>([
    ['before the others', [...Array<number>(13).fill(0), ...Array<number>(7).fill(1000), 20], 'warning'],
    ['between them', [1000, 0, 900, 0, 800, 1000, 1000, 0, 0, 20], 'warning'],
    ['at the end', [0, 1000, 1000, 1000, 1000, 0, 0, 0, 0, 0], 'warning'],
    ['everywhere', [0, 0, 0, 0, 0], 'unknown'],
  ])('buckets without anybody change nothing: %s', (_, identities, status) => {
    const points = days(...identities)
    const window = { startMs: Date.parse(startOf(0)), asOfMs: Date.parse(startOf(identities.length)) }
    const filled = exposureHealth(points, even, { window })
    expect(filled.status).toBe(status)
    const busy = points.filter(({ newIdentities }) => newIdentities['a'] !== 0)
    expect(exposureHealth(busy, even, { window })).toEqual(filled)
  })

  test('twenty thousand variants are no work', () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, variant) => [`${variant}`, 5]))
    const steps = daily(...Array.from({ length: 10 }, () => many))
    expect(exposureHealth(steps, many).status).toBe('healthy')
  })

  test('hours of a day are compared with the days before', () => {
    // The first day begins with its first identity, at eight, and is not whole.
    const hours = Array.from({ length: 120 }, (_, hour) => {
      const start = Date.UTC(2026, 5, 1, hour)
      const identities = hour % 24 < 8 ? 0 : hour < 96 ? 20 : 5
      return {
        start: new Date(start).toISOString(),
        end: new Date(start + hourMs).toISOString(),
        newIdentities: { a: identities, b: identities },
      }
    })
    expect(exposureHealth(hours, even).rate).toEqual({
      status: 'fallen',
      recent: 160,
      usual: 640,
      ratio: 0.25,
    })
    expect(exposureHealth(hours, even, { periodHours: 48 }).rate.status).toBe('unknown')
  })

  test('nobody yet, and numbers that cannot be counts', () => {
    expect(exposureHealth([], even)).toMatchObject({ status: 'unknown' })
    expect(exposureHealth(daily({}, {}), even)).toMatchObject({ status: 'unknown' })
    expect(exposureHealth(daily({}, {}, {}, {}, {}), even)).toMatchObject({
      status: 'unknown',
      reason: 'No closed bucket has an identity.',
      rate: { status: 'unknown', usual: null },
    })
    // Who has come is known, though not yet whether more should have.
    expect(exposureHealth(daily({ a: 5 }), even)).toMatchObject({
      status: 'healthy',
      rate: { status: 'unknown' },
    })
    expect(exposureHealth(daily(day, { a: -1 }), even)).toEqual({
      status: 'not-computable',
      reason: `In the bucket ${startOf(1)} the count of variant "a" is -1, which cannot be a count of identities.`,
      arms: [],
      rate: { status: 'unknown', recent: 0, usual: null, ratio: null },
    })
    expect(exposureHealth(daily(day), { a: 1 }).status).toBe('not-computable')
  })
})

describe('quarantineOverTime', () => {
  test('puts what entered and what crossed over side by side', () => {
    const crossovers = {
      timeseries: {
        points: [
          { bucket: startOf(1), identities: 5 },
          { bucket: startOf(3), identities: 15 },
        ],
      },
    }
    const result = quarantineOverTime(daily({ a: 40, b: 35 }, { a: 10, b: 10 }), crossovers)
    expect(
      result.points.map(({ counted, quarantined, runningShare }) => [counted, quarantined, runningShare]),
    ).toEqual([
      [75, 0, 0],
      [20, 5, 0.05],
      [0, 15, 20 / 115],
    ])
    expect(result.peak).toBe(startOf(3))
    expectFrozen(result)
    expect(quarantineOverTime([], { timeseries: { points: [] } })).toEqual({ points: [], peak: null })
    expect(() => quarantineOverTime(daily({ a: -1 }), crossovers)).toThrow('newIdentities of')
  })

  const crossed = (...days: readonly (readonly [day: number, identities: number])[]) => ({
    timeseries: { points: days.map(([each, identities]) => ({ bucket: startOf(each), identities })) },
  })

  test('a bucket in which the window begins is one bucket', () => {
    const window = { startMs: Date.UTC(2026, 5, 1, 10, 30), asOfMs: Date.parse(startOf(2)) }
    const view = { points: daily({ a: 100 }, { a: 100 }), window }
    expect(quarantineOverTime(view, crossed([0, 5]))).toEqual({
      points: [
        { start: startOf(0), counted: 100, quarantined: 5, runningShare: 5 / 105 },
        { start: startOf(1), counted: 100, quarantined: 0, runningShare: 5 / 205 },
      ],
      peak: startOf(0),
    })
  })

  test('the buckets are in the order of time, and the first of the greatest is the peak', () => {
    const early = quarantineOverTime(daily({}, {}, { a: 5 }).slice(2), crossed([1, 5]))
    expect(early.points.map(({ start, runningShare }) => [start, runningShare])).toEqual([
      [startOf(1), 1],
      [startOf(2), 0.5],
    ])
    expect(quarantineOverTime([], crossed([1, 5], [2, 5])).peak).toBe(startOf(1))
  })

  test('steps need no ends', () => {
    const steps = daily({ a: 40 }, { a: 10 })
    const withoutEnds = steps.map(({ start, newIdentities }) => ({ start, newIdentities }))
    expect(quarantineOverTime(withoutEnds, crossed([1, 5]))).toEqual(
      quarantineOverTime(steps, crossed([1, 5])),
    )
  })

  test.each([[[]], [[[1, 0]]]] as [readonly (readonly [number, number])[]][])(
    'nobody crossed over: %j has no peak',
    (days) => {
      expect(quarantineOverTime(daily({ a: 40 }), crossed(...days)).peak).toBe(null)
    },
  )

  test('a bucket in which nobody entered or crossed over is left out', () => {
    const { points } = quarantineOverTime(daily({ a: 0 }, { a: 5 }, {}, { b: 0 }, { b: 5 }), crossed([3, 0]))
    expect(points).toEqual([
      { start: startOf(1), counted: 5, quarantined: 0, runningShare: 0 },
      { start: startOf(4), counted: 5, quarantined: 0, runningShare: 0 },
    ])
  })
})

describe('sampleRatioWithin', () => {
  test('finds the variant of the other experiment in which the split is broken', () => {
    const table = { x: { a: 500, b: 500 }, y: { a: 600, b: 400 }, z: { a: 2, b: 1 } }
    const result = sampleRatioWithin(table, even)
    expect(result).toMatchObject({
      status: 'mismatch',
      reason: 'The split is not the expected one where the other variant is "y".',
      familySize: 2,
    })
    expect(result.arms.map(({ other, status }) => [other, status])).toEqual([
      ['x', 'consistent'],
      ['y', 'mismatch'],
      ['z', 'not-enough-traffic'],
    ])
    expect(result.arms[1]?.adjustedPValue).toBeCloseTo(2 * (sampleRatio(table.y, even).pValue ?? NaN), 20)
    expectFrozen(result)
  })

  test('its sentences speak of the variants of the other experiment', () => {
    const reasonOf = (table: Parameters<typeof sampleRatioWithin>[0]) =>
      sampleRatioWithin(table, even).arms[0]?.reason
    const broken = { a: 600, b: 400 }
    expect(reasonOf({ y: broken })).toContain(
      ' after a correction for 1 variant of the other experiment, below',
    )
    expect(reasonOf({ y: broken, x: { a: 500, b: 500 } })).toContain(
      ' after a correction for 2 variants of the other experiment, below',
    )
    expect(sampleRatioWithin({ y: { a: 2, b: 1 } }, even).reason).toBe(
      'No variant of the other experiment has enough identities for a verdict.',
    )
  })

  test('independence is Pearson’s test, or Fisher’s exact one where few are expected', () => {
    const large = sampleRatioWithin({ x: { a: 500, b: 500 }, y: { a: 560, b: 440 } }, even).independence
    // (ad − bc)² N / product of the margins
    const statistic = ((500 * 440 - 500 * 560) ** 2 * 2000) / (1000 * 1000 * 1060 * 940)
    expect(large).toMatchObject({
      method: 'chi-squared',
      degreesOfFreedom: 1,
      statistic: expect.closeTo(statistic, 9),
    })
    // The exact value of the crossovers' test for the same table.
    const small = sampleRatioWithin({ x: { a: 119, b: 2 }, y: { a: 99_900, b: 100 } }, { a: 999, b: 1 })
    expect(small.independence.method).toBe('exact')
    expect(small.independence.pValue).toBeCloseTo(0.00689513406769394, 12)
    // The sum over all tables in rational arithmetic.
    const ups = { a: 9, b: 2 }
    const downs = { a: 2, b: 9 }
    expect(sampleRatioWithin({ w: ups, x: downs, y: ups, z: downs }, even).independence).toMatchObject({
      method: 'exact',
      pValue: expect.closeTo(0.000513911368545257, 14),
      degreesOfFreedom: 3,
    })
  })

  test('the options hold for every variant of the other experiment', () => {
    // The p-value of 555 of 1000 is 0.0005.
    const table = { x: { a: 555, b: 445 } }
    const check = (options: object) => sampleRatioWithin(table, even, options)
    expect(check({})).toMatchObject({ status: 'mismatch', familySize: 1 })
    expect(check({ threshold: 0.0001 }).arms[0]).toMatchObject({ status: 'consistent', severity: 'warning' })
    expect(check({ threshold: 0.0001, warningThreshold: 0.0002 }).arms[0]?.severity).toBe('none')
    expect(check({ minimumTotal: 1000 }).status).toBe('mismatch')
    expect(check({ minimumTotal: 1001 })).toMatchObject({ status: 'not-enough-traffic', familySize: 0 })
  })

  const named = (table: readonly (readonly number[])[]) =>
    Object.fromEntries(
      table.map((row, place) => [
        `row ${place}`,
        Object.fromEntries(row.map((count, column) => [`column ${column}`, count])),
      ]),
    )
  const equal = { 'column 0': 1, 'column 1': 1, 'column 2': 1 }

  test.each<[method: string, table: readonly (readonly number[])[]]>([
    [
      'exact',
      [
        [9, 2],
        [2, 9],
        [9, 2],
        [2, 9],
      ],
    ],
    [
      'exact',
      [
        [60, 40],
        [45, 55],
        [90, 50],
        [30, 30],
      ],
    ],
    [
      'exact',
      [
        [4, 1, 0],
        [1, 3, 2],
        [0, 2, 7],
      ],
    ],
    [
      'exact',
      [
        [3, 1, 7],
        [1, 4, 2],
        [6, 2, 1],
      ],
    ],
    [
      'bound',
      [
        [60, 20, 20],
        [45, 55, 50],
        [40, 50, 65],
        [50, 45, 60],
      ],
    ],
    [
      'chi-squared',
      [
        [500, 500],
        [560, 440],
      ],
    ],
  ])('the same table has the p-value of overlapIndependence: %s, %j', (method, table) => {
    const own = sampleRatioWithin(named(table), equal).independence
    expect(own.method).toBe(method)
    const pairs = table.flatMap((row, one) =>
      row.map((identities, other) => ({ oneVariant: `${one}`, otherVariant: `${other}`, identities })),
    )
    const identities = table.flat().reduce((sum, count) => sum + count, 0)
    expect(overlapIndependence({ identities, pairs })).toMatchObject(own)
    // The order changes no digit.
    const mirrored = table.map((row) => row.toReversed())
    expect(sampleRatioWithin(named(mirrored), equal).independence).toEqual(own)
    expect(sampleRatioWithin(named(mirrored.toReversed()), equal).independence).toEqual(own)
  })

  test.each<[what: string, table: Readonly<Record<string, Readonly<Record<string, number>>>>]>([
    ['this', { x: { a: 300, b: 300, c: 0 }, y: { a: 300, b: 300, c: 0 } }],
    ['the other', { x: { a: 300, b: 300 }, y: { a: 300, b: 300 }, z: {} }],
    ['the other', { x: { a: 300, b: 300 }, y: { a: 300, b: 300 }, z: { a: 0, b: 0, c: 0 } }],
  ])('a variant of %s experiment without identities is not in the test: %j', (_, table) => {
    expect(sampleRatioWithin(table, { a: 1, b: 1, c: 1 }).independence).toMatchObject({
      method: 'chi-squared',
      degreesOfFreedom: 1,
      pValue: 1,
    })
  })

  test('without two of both there is nothing to compare', () => {
    const nothing = { statistic: null, degreesOfFreedom: 0, pValue: null, logPValue: null, method: null }
    expect(sampleRatioWithin({ x: { a: 50, b: 50 } }, even).independence).toEqual(nothing)
    expect(sampleRatioWithin({ x: { a: 50 }, y: { a: 50, b: 0 } }, even).independence).toEqual(nothing)
    expect(sampleRatioWithin({}, even)).toMatchObject({ status: 'not-enough-traffic', independence: nothing })
    // One wrong count is enough, in whichever row.
    const negative = { x: { a: 50, b: 50 }, y: { a: -1, b: 50 } }
    expect(sampleRatioWithin(negative, even).independence).toEqual(nothing)
    expect(sampleRatioWithin({ x: { a: NaN }, y: { a: 5 } }, even)).toMatchObject({
      status: 'not-computable',
      reason: expect.stringContaining('Where the other variant is "x"'),
      independence: nothing,
    })
    // Strays and variants that are left out are in no cell.
    const leaveOut = ['off']
    const table = { x: { a: 50, b: 50, off: 90, qa: 1 }, y: { a: 50, b: 50, off: 1, qa: 80 } }
    expect(sampleRatioWithin(table, even, { leaveOut }).independence).toMatchObject({
      statistic: 0,
      pValue: 1,
    })
  })
})

describe('uniformPValues', () => {
  const grid = (count: number) => Array.from({ length: count }, (_, i) => (i + 0.5) / count)

  test('the two distances, worked by hand', () => {
    const result = uniformPValues([0.9, 0.2, 0.1, 0.2], { minimumTotal: 0 })
    // F(0.2) = 3/4, and just below 0.9 it still is.
    expect(result).toMatchObject({
      status: 'uniform',
      count: 4,
      excessSmall: expect.closeTo(0.55, 12),
      excessLarge: expect.closeTo(0.15, 12),
      pValueSmall: expect.closeTo(Math.exp(-8 * 0.55 ** 2), 12),
      pValueLarge: expect.closeTo(Math.exp(-8 * 0.15 ** 2), 12),
    })
    expectFrozen(result)
  })

  test('too many small ones, too many large ones, and too few to say', () => {
    expect(uniformPValues(grid(500)).status).toBe('uniform')
    expect(uniformPValues(grid(500).map((p) => p ** 2)).status).toBe('too-small')
    expect(uniformPValues(grid(500).map((p) => p ** 0.5)).status).toBe('too-large')
    expect(uniformPValues(grid(19))).toMatchObject({
      status: 'not-enough',
      reason: '19 p-values were passed, and a verdict needs 20.',
    })
    expect(uniformPValues(grid(20)).status).toBe('uniform')
    expect(uniformPValues([], { minimumTotal: 0 }).status).toBe('not-enough')
  })

  // Twenty that are all 0, or all 1, have an excess of 1: the bound is exp(−40), and each side has half of 0.001.
  test.each([
    ['small', 0],
    ['large', 1],
  ])('says how improbable an excess of %s ones is', (side, p) => {
    expect(uniformPValues(grid(20).map(() => p))).toMatchObject({
      status: `too-${side}`,
      reason:
        `If every split were right, an excess of ${side} p-values at least this great would have a probability of ` +
        'at most 4.25e-18, below 0.0005.',
    })
  })

  test('of two sides that are equally improbable, the small one is named', () => {
    // Half of them at either end: both are off by a half.
    const ends = grid(100).map((p) => Math.round(p))
    expect(uniformPValues(ends)).toMatchObject({ status: 'too-small', excessSmall: 0.5, excessLarge: 0.5 })
  })

  test('each side has half of the threshold', () => {
    const result = uniformPValues(grid(100).map((p, place) => (place < 19 ? 0 : p)))
    expect(result).toMatchObject({ status: 'uniform', pValueSmall: expect.closeTo(0.000732, 6) })
    // Of four zeros it is exp(−8), which is not below itself.
    const four = (threshold: number) => uniformPValues([0, 0, 0, 0], { minimumTotal: 4, threshold }).status
    expect(four(2 * Math.exp(-8))).toBe('uniform')
    expect(four(2 * Math.exp(-8) * (1 + 1e-12))).toBe('too-small')
  })

  test('a hundred thousand are no work', () => {
    expect(uniformPValues(grid(100_000)).status).toBe('uniform')
  })
})
