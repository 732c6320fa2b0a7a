import { summarizeExposuresBreakdown, summarizeCrossovers, summarizeIdentityTimeline } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const slice = {
  other: 0,
  value: 'ES',
  quarantined: 0,
  variant: 'a',
  bucket: '2026-06-01 00:00:00',
  new_identities: 1,
}
const pair = {
  first_variant: 'a',
  next_variant: 'b',
  identities: 3,
  median_ms: 1500.5,
  buckets: ['2026-06-03 00:00:00', '2026-06-01 00:00:00'],
  bucket_identities: [2, 1],
}
const story = { shown: 0, disposition: 'exposure', variant: 'a', at_ms: 1, events: 1 }

const ofBreakdown = (...rows: object[]) => summarizeExposuresBreakdown(rows, { granularity: 'day' })
const ofPairs = (...rows: object[]) => summarizeCrossovers(rows, { granularity: 'day' })
const ofStory = (...rows: object[]) => summarizeIdentityTimeline(rows)

const count = 'Expected a whole number from 0 to 2^53 - 1.'
const inBuckets = 'Each identity is in one of the buckets.'
const listedOnce = 'A pair of two variants is listed once.'
const milliseconds = 'Expected milliseconds, 0 or more.'
const starts = 'Expected a list of YYYY-MM-DD hh:mm:ss in UTC.'
const wholes = 'Expected a list of whole numbers.'

describe('what is said of rows that a query cannot have given', () => {
  test.each<[row: number, column: string, received: string, advice: string, summarize: () => unknown]>([
    [0, 'other', '2', 'Expected 0 or 1.', () => ofBreakdown({ ...slice, other: 2 })],
    [0, 'value', '7', 'Expected a text or NULL.', () => ofBreakdown({ ...slice, value: 7 })],
    [0, 'value', '"ES"', 'Expected NULL on a row of the others.', () => ofBreakdown({ ...slice, other: 1 })],

    [0, 'first_variant', '7', 'Expected the variant’s key.', () => ofPairs({ ...pair, first_variant: 7 })],
    [
      0,
      'next_variant',
      'null',
      'Expected the variant’s key.',
      () => ofPairs({ ...pair, next_variant: null }),
    ],
    [0, 'next_variant', '"a"', listedOnce, () => ofPairs({ ...pair, next_variant: 'a' })],
    [1, 'next_variant', '"b"', listedOnce, () => ofPairs(pair, pair)],
    [0, 'identities', '-1', count, () => ofPairs({ ...pair, identities: -1 })],
    [0, 'identities', 'null', count, () => ofPairs({ ...pair, identities: null })],
    [0, 'buckets', '"2026-06-01"', starts, () => ofPairs({ ...pair, buckets: '2026-06-01' })],
    [0, 'buckets', 'an array of 1', starts, () => ofPairs({ ...pair, buckets: ['June'] })],
    [0, 'bucket_identities', '3', wholes, () => ofPairs({ ...pair, bucket_identities: 3 })],
    [0, 'bucket_identities', 'an array of 2', wholes, () => ofPairs({ ...pair, bucket_identities: [2, -1] })],
    [0, 'bucket_identities', 'an array of 2', inBuckets, () => ofPairs({ ...pair, identities: 4 })],
    [
      0,
      'bucket_identities',
      'an array of 3',
      inBuckets,
      () => ofPairs({ ...pair, bucket_identities: [2, 1, 0] }),
    ],
    [
      0,
      'bucket_identities',
      'an array of 2',
      inBuckets,
      () => ofPairs({ ...pair, buckets: ['2026-06-01 00:00:00', '1780272000'] }),
    ],
    ...['x1', '1x', '1.', '.5', '1.x', '-1', '', '1.5.5'].map(
      (median_ms) =>
        [0, 'median_ms', JSON.stringify(median_ms), milliseconds, () => ofPairs({ ...pair, median_ms })] as [
          number,
          string,
          string,
          string,
          () => unknown,
        ],
    ),
    [0, 'median_ms', '-1', milliseconds, () => ofPairs({ ...pair, median_ms: -1 })],
    [0, 'median_ms', 'NaN', milliseconds, () => ofPairs({ ...pair, median_ms: NaN })],
    [0, 'median_ms', 'Infinity', milliseconds, () => ofPairs({ ...pair, median_ms: Infinity })],
    [0, 'median_ms', 'an array of 1', milliseconds, () => ofPairs({ ...pair, median_ms: ['1'] })],
    [0, 'median_ms', 'null', milliseconds, () => ofPairs({ ...pair, median_ms: null })],
  ])('row %i, column %s: received %s. %s', (row, column, received, advice, summarize) => {
    expect(refusalOf(summarize)).toEqual({
      code: 'malformed-rows',
      message:
        `Row ${row}, column ${column}: received ${received}. ${advice} ` +
        'Is it the answer to the query, unchanged?',
      details: { row, column, received },
    })
  })

  test.each([
    ['1500.25', 1500.25],
    ['15', 15],
    ['0', 0],
    [0, 0],
  ])('a median may be %j', (median_ms, medianMs) => {
    expect(ofPairs({ ...pair, median_ms }).pairs[0]?.medianMs).toBe(medianMs)
  })

  test('two events of an instant are in order, and those listed are in one of their own', () => {
    expect(ofStory({ ...story, shown: 1, at_ms: 5 }, story, { ...story, variant: 'b' }).verdict).toEqual({
      type: 'quarantined',
      variant: 'a',
      at: 1,
      by: 'b',
      byAt: 1,
    })
  })
})
