import {
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  summarizeExposures,
  type ExposureBucket,
} from 'first-exposure'
import { exposuresAnswer } from 'first-exposure/panel'
import { describe, expect, test } from 'vitest'
import { panelWords } from '../../src/panel/panel-words.js'
import { shownOf } from '../../src/panel/browser/shown.js'
import { askedState } from './asked-state.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startedAt = Date.UTC(2026, 5, 1, 6)

/** What is shown of a count up to an instant, refreshed at another, of an experiment that ends or not. */
function shownAt(asOf: number, refreshedAt: number, endedAt: number | null) {
  const buckets = [1, ...(asOf > Date.UTC(2026, 5, 6) ? [3, 6] : [])].map((day): ExposureBucket => ({
    quarantined: false,
    variant: 'control',
    bucketMs: Date.UTC(2026, 5, day),
    newIdentities: 10,
  }))
  const summary = summarizeExposures(buckets, { granularity: 'day', timeZone: 'UTC' })
  const state = reduceRefresh(initialRefreshState, {
    type: 'succeeded',
    asOf,
    at: refreshedAt,
    summary,
  })
  const answer = exposuresAnswer(
    askedState({
      state,
      experiment: { startedAt, endedAt },
      spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
      now: refreshedAt,
    }),
  )
  const shown = shownOf(answer, 'UTC', panelWords(), () => ({}) as HTMLElement)
  if (shown === null) throw new Error('nothing is shown')
  return shown
}

describe('a bucket that the window ends in', () => {
  const asOf = Date.UTC(2026, 5, 6, 9)
  const namesOf = ({ view, buckets }: ReturnType<typeof shownAt>): readonly string[] => {
    const [first, second, last] = [view.points[0], view.points[1], view.points.at(-1)]
    if (first === undefined || second === undefined || last === undefined) throw new Error('too few points')
    return [
      buckets.increment(first),
      buckets.increment(second),
      buckets.increment(last),
      buckets.total(last),
    ].map((name) => name.replaceAll(/[\u202f\u00a0]/g, ' '))
  }

  test.each([
    ['has no end', asOf, null],
    ['ends later', asOf, asOf + hourMs],
  ])('is not over yet where the experiment %s', (_, refreshedAt, endedAt) => {
    const shown = shownAt(asOf, refreshedAt, endedAt)
    expect(shown.openBucket).toBe('2026-06-06T00:00:00.000Z')
    expect(namesOf(shown)).toEqual([
      'Jun 1, 2026, from 6:00 AM',
      'Jun 2, 2026',
      'Jun 6, 2026, up to 9:00 AM so far',
      'Up to Jun 6, 2026, 9:00 AM',
    ])
  })

  test.each([
    ['final', asOf + dayMs],
    ['loaded', asOf + 60_000],
  ])('is over where the experiment ended in it and the count is %s', (type, refreshedAt) => {
    const shown = shownAt(asOf, refreshedAt, asOf)
    expect(shown.answer.status.type).toBe(type)
    expect(shown.openBucket).toBeNull()
    expect(namesOf(shown)).toEqual([
      'Jun 1, 2026, from 6:00 AM',
      'Jun 2, 2026',
      'Jun 6, 2026, up to 9:00 AM',
      'Up to Jun 6, 2026, 9:00 AM',
    ])
  })

  test('is over where the window also starts in it', () => {
    const endedAt = startedAt + 3 * hourMs
    const { view, buckets, openBucket } = shownAt(endedAt, endedAt + dayMs, endedAt)
    expect(openBucket).toBeNull()
    const [only] = view.points
    expect(only && buckets.increment(only).replaceAll('\u202f', ' ')).toBe(
      'Jun 1, 2026, from 6:00 AM up to 9:00 AM',
    )
  })

  test('is none where the window ends with a bucket', () => {
    const midnight = Date.UTC(2026, 5, 7)
    expect(shownAt(midnight, midnight, null).openBucket).toBeNull()
  })
})
