import { describe, expect, test } from 'vitest'
import type { Crossovers } from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
// Inside the package only: `exposuresAnswer` calls it with a state.
import { crossoversAnswer } from '../../src/panel/crossovers-answer.js'

const bucket = (day: number): string => new Date(Date.UTC(2026, 5, day)).toISOString()
const view = exposuresView(
  {
    excludedIdentities: 0,
    timeseries: {
      granularity: 'day',
      timeZone: 'UTC',
      points: [{ bucket: bucket(1), newIdentities: { a: 100, b: 100 } }],
    },
  },
  { fillGaps: true, window: { startMs: Date.UTC(2026, 5, 1), asOfMs: Date.UTC(2026, 5, 41) } },
)

function answerWith(
  pairs: readonly {
    readonly from: string
    readonly to: string
    readonly days: Readonly<Record<number, number>>
  }[],
): ReturnType<typeof crossoversAnswer> {
  const pointsOf = (days: Readonly<Record<number, number>>): Crossovers['timeseries']['points'] =>
    Object.entries(days).map(([day, identities]) => ({ bucket: bucket(Number(day)), identities }))
  const crossovers: Crossovers = {
    identities: 1,
    firstVariants: { a: 1 },
    pairs: pairs.map(({ from, to, days }) => ({
      firstVariant: from,
      nextVariant: to,
      identities: Object.values(days).reduce((sum, each) => sum + each, 0),
      medianMs: 1000,
      points: pointsOf(days),
    })),
    timeseries: { granularity: 'day', timeZone: 'UTC', points: pointsOf(pairs[0]?.days ?? {}) },
  }
  return crossoversAnswer(crossovers, view, 'quarantine', undefined)
}

describe('crossoversAnswer', () => {
  test('the bars are equal parts of the window, and its buckets alone are in them', () => {
    const [pair] = answerWith([{ from: 'a', to: 'b', days: { 2: 4, 40: 3, 41: 9, 99: 7 } }]).pairs
    expect(pair?.bars).toHaveLength(36)
    expect(pair?.bars.flatMap((bar, place) => (bar > 0 ? [place, bar] : []))).toEqual([0, 4, 35, 3])
    // The peak is that of all of them, as they were counted.
    expect(pair?.peak).toEqual({ bucket: bucket(41), identities: 9 })
  })

  test('of two buckets with as many, the first is the peak', () => {
    const { peak, pairs } = answerWith([{ from: 'a', to: 'b', days: { 2: 4, 30: 4 } }])
    expect(peak).toEqual({ bucket: bucket(2), identities: 4 })
    expect(pairs[0]?.peak).toEqual(peak)
    expect(answerWith([]).peak).toBeNull()
  })

  test('the pairs with the most identities are kept, and all are counted', () => {
    const many = Array.from({ length: 21 }, (_, place) => ({
      from: 'a',
      to: `b${place}`,
      days: { 3: 100 - place },
    }))
    const { pairs, pairCount } = answerWith(many)
    expect(pairCount).toBe(21)
    expect(pairs.map(({ nextVariant }) => nextVariant)).toEqual(many.slice(0, 20).map(({ to }) => to))
  })
})
