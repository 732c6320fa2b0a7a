import { decodeBucketRows } from 'first-exposure'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../refusal-of.js'

const row = { quarantined: 0, variant: 'control', bucket: '2026-06-01 00:00:00', new_identities: 100 }

describe('what decodeBucketRows says of rows that it refuses', () => {
  test.each<[column: string, received: string, advice: string, cells: object]>([
    ['quarantined', '2', 'Expected 0 or 1.', { quarantined: 2 }],
    ['variant', '1', 'Expected the variant’s key.', { variant: 1 }],
    ['variant', '"control"', 'Expected NULL on a quarantined row.', { quarantined: 1 }],
    ['bucket', '"June"', 'Expected YYYY-MM-DD hh:mm:ss in UTC.', { bucket: 'June' }],
    ['new_identities', '-1', 'Expected a whole number from 0 to 2^53 - 1.', { new_identities: -1 }],
  ])('of the column %s: received %s. %s', (column, received, advice, cells) => {
    expect(refusalOf(() => decodeBucketRows([{ ...row, ...cells }]))).toEqual({
      code: 'malformed-rows',
      message:
        `Row 0, column ${column}: received ${received}. ${advice} ` +
        'Is it the answer to the query, unchanged?',
      details: { row: 0, column, received },
    })
  })

  test.each<[received: string, rows: unknown]>([
    ['"row"', 'row'],
    ['null', null],
    ['an array of 1', [0]],
    ['an object', {}],
  ])('of a row without the columns: received %s', (received, other) => {
    expect(refusalOf(() => decodeBucketRows([row, other]))).toEqual({
      code: 'malformed-rows',
      message: 'Row 1: column quarantined is missing. Is it the answer to the query, unchanged?',
      details: { row: 1, column: 'quarantined', received },
    })
  })

  test('of a bucket that is listed twice', () => {
    expect(refusalOf(() => decodeBucketRows([row, row]))).toEqual({
      code: 'malformed-rows',
      message:
        'Row 1, column bucket: received "2026-06-01 00:00:00". This bucket is listed already for the same variant, ' +
        'so one of the two would be lost or counted twice. Is it the answer to the query, unchanged?',
      details: { row: 1, column: 'bucket', received: '"2026-06-01 00:00:00"' },
    })
  })

  test('of an answer that is no list', () => {
    expect(refusalOf(() => decodeBucketRows({} as never))).toEqual({
      code: 'malformed-rows',
      message:
        'The answer is not a list of rows: received an object. ' +
        'Pass what resultSet.json() gives for the format JSONEachRow.',
      details: { path: 'rows', received: 'an object' },
    })
  })

  test.each([
    ['before a bucket', 'x2026-06-01 00:00:00'],
    ['after a bucket', '2026-06-01 00:00:00x'],
    ['before the seconds', 'x1780272000'],
    ['after the seconds', '1780272000x'],
    ['seconds of eleven digits', '17802720000'],
    ['no time of day', '2026-06-01'],
  ])('%s, what is no part of it', (_, bucket) => {
    expect(refusalOf(() => decodeBucketRows([{ ...row, bucket }]))).toMatchObject({
      code: 'malformed-rows',
      details: { column: 'bucket' },
    })
  })

  test.each(['x1', '1x', '00000000000000001'])('a count %s that is none', (new_identities) => {
    expect(refusalOf(() => decodeBucketRows([{ ...row, new_identities }]))).toMatchObject({
      code: 'malformed-rows',
      details: { column: 'new_identities' },
    })
  })

  test.each([0, 86_399, '0', '0000000000'])('seconds of few digits are taken: %j', (bucket) => {
    expect(decodeBucketRows([{ ...row, bucket }])[0]?.bucketMs).toBe(Number(bucket) * 1000)
  })

  test('what is remembered of a bucket’s name is not taken for another’s', () => {
    const names = ['2026-06-01 00:00:00', 'June', '2026-06-01 00:00:00']
    const rows = names.map((bucket, index) => ({ ...row, variant: `${index}`, bucket }))
    expect(refusalOf(() => decodeBucketRows(rows))).toMatchObject({ details: { row: 1, received: '"June"' } })
    const undefinedTwice = [row, { ...row, bucket: undefined }, { ...row, bucket: undefined }]
    expect(refusalOf(() => decodeBucketRows(undefinedTwice.slice(1)))).toMatchObject({ details: { row: 0 } })
  })
})
