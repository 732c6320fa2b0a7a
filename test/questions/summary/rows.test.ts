import { decodeBucketRows } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const row = { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00', new_identities: 100 }
const quarantinedRow = { ...row, quarantined: 1, variant: null }
const bucketMs = 1780272000000

describe('decodeBucketRows', () => {
  test('reads columns by name, in any order, beside others', () => {
    const { bucket, new_identities, quarantined, variant } = row
    expect(decodeBucketRows([{ new_identities, other: 1, bucket, variant, quarantined }])).toEqual([
      { quarantined: false, variant: 'control', bucketMs, newIdentities: 100 },
    ])
  })

  test.each<[string, object]>([
    ['a count as a decimal string', { new_identities: '100' }],
    ['a flag as false', { quarantined: false }],
    ['a flag as a string', { quarantined: '0' }],
    ['a bucket in ISO 8601', { bucket: '2026-06-01T00:00:00Z' }],
    ['a bucket in epoch seconds', { bucket: 1780272000 }],
    ['a bucket in epoch seconds as a string', { bucket: '1780272000' }],
  ])('accepts %s', (_, cells) => {
    expect(decodeBucketRows([{ ...row, ...cells }])).toEqual([
      { quarantined: false, variant: 'control', bucketMs, newIdentities: 100 },
    ])
  })

  test.each([1, '1', true])('a quarantined row has no variant; its flag may be %j', (quarantined) => {
    expect(decodeBucketRows([{ ...quarantinedRow, quarantined, new_identities: '5' }])).toEqual([
      { quarantined: true, variant: null, bucketMs, newIdentities: 5 },
    ])
  })

  test.each([0, '0', '0000000000000000'])('a count may be none: %j', (new_identities) => {
    expect(decodeBucketRows([{ ...row, new_identities }])[0]?.newIdentities).toBe(0)
  })

  test('the same bucket for another variant, another bucket, and the quarantined are different rows', () => {
    const rows = [
      row,
      { ...row, variant: 'b' },
      { ...row, bucket: '2026-06-02 00:00:00' },
      quarantinedRow,
      { ...row, variant: '' },
    ]
    expect(decodeBucketRows(rows)).toHaveLength(5)
  })

  test('the answer and its buckets are frozen', () => {
    const buckets = decodeBucketRows([row])
    expect(Object.isFrozen(buckets)).toBe(true)
    expect(Object.isFrozen(buckets[0])).toBe(true)
  })

  const without = (column: keyof typeof row): object => {
    const { [column]: _, ...rest } = row
    return rest
  }
  test.each<[string, string, unknown]>([
    ['quarantined', 'a missing flag', without('quarantined')],
    ['variant', 'a missing variant', without('variant')],
    ['bucket', 'a missing bucket', without('bucket')],
    ['new_identities', 'a missing count', without('new_identities')],
    [
      'quarantined',
      'an inherited flag',
      Object.assign(Object.create({ quarantined: 0 }) as object, without('quarantined')),
    ],
    ['quarantined', 'an unknown flag', { ...row, quarantined: 2 }],
    ['quarantined', 'a NULL flag', { ...row, quarantined: null }],
    ['variant', 'a NULL variant', { ...row, variant: null }],
    ['variant', 'a number for a variant', { ...row, variant: 1 }],
    ['variant', 'a variant on a quarantined row', { ...row, quarantined: 1 }],
    ['bucket', 'a word for a bucket', { ...row, bucket: 'yesterday' }],
    ['bucket', '30 February', { ...row, bucket: '2026-02-30 00:00:00' }],
    ['bucket', 'a bucket with an offset', { ...row, bucket: '2026-06-01T00:00:00+02:00' }],
    ['bucket', 'a bucket with a fraction', { ...row, bucket: '2026-06-01 00:00:00.000' }],
    ['bucket', 'a bucket in milliseconds', { ...row, bucket: bucketMs }],
    ['bucket', 'a negative bucket', { ...row, bucket: -1 }],
    ['bucket', 'a NULL bucket', { ...row, bucket: null }],
    ['new_identities', 'a negative count', { ...row, new_identities: -1 }],
    ['new_identities', 'a negative count as a string', { ...row, new_identities: '-1' }],
    ['new_identities', 'a fractional count', { ...row, new_identities: 1.5 }],
    ['new_identities', 'an unsafe count', { ...row, new_identities: 2 ** 53 }],
    ['new_identities', 'an unsafe count as a string', { ...row, new_identities: '9007199254740992' }],
    ['new_identities', 'a count that is too long', { ...row, new_identities: '0'.repeat(17) }],
    ['new_identities', 'an empty count', { ...row, new_identities: '' }],
    ['new_identities', 'a hexadecimal count', { ...row, new_identities: '0x10' }],
    ['new_identities', 'a NULL count', { ...row, new_identities: null }],
    ['new_identities', 'a list of a count', { ...row, new_identities: ['1'] }],
    ['bucket', 'a bucket that is no primitive', { ...row, bucket: Object('2026-06-01 00:00:00') as object }],
    ['quarantined', 'a function for a row', Object.assign(() => 1, row)],
    ['quarantined', 'a row that is none', 'row'],
    ['quarantined', 'a NULL row', null],
    ['quarantined', 'an array for a row', [0, 'control', '2026-06-01 00:00:00', 1]],
  ])('refuses, naming the row and the column %s: %s', (column, _, bad) => {
    expect(() => decodeBucketRows([{ ...row, variant: 'other' }, bad])).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ row: 1, column }),
        message: expect.stringMatching(
          new RegExp(`^Row 1(, column ${column}: received |: column ${column} is missing\\.)`),
        ),
      }),
    )
  })

  test.each([
    ['variant', row],
    ['quarantine', quarantinedRow],
  ])('refuses a bucket that is listed twice for the same %s', (_, twice) => {
    expect(() =>
      decodeBucketRows([twice, { ...twice, new_identities: 1, bucket: '2026-06-01T00:00:00Z' }]),
    ).toThrow(
      expect.objectContaining({
        code: 'malformed-rows',
        details: expect.objectContaining({ row: 1, column: 'bucket' }),
      }),
    )
  })

  test.each([undefined, null, {}, 'rows'])('refuses %s for a list of rows', (rows) => {
    expect(() => decodeBucketRows(rows as never)).toThrow(expect.objectContaining({ code: 'malformed-rows' }))
  })
})
