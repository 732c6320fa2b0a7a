import { describe, expect, test } from 'vitest'
import { compressionOf } from '../../src/command/compression.js'
import { encodingOf } from '../../src/command/text-encoding.js'
import { textLayoutOf } from '../../src/command/text-layout.js'

const rows = (delimiter: string, quote = ''): string =>
  [
    ['user', 'arm', 'at'],
    ['1', 'control', '2026-06-01 09:30:00'],
    ['2', 'blue', '2026-06-01 09:31:00'],
    ['3', 'control', '2026-06-02 10:00:00'],
  ]
    .map((row) => row.map((field) => quote + field + quote).join(delimiter) + '\n')
    .join('')

describe('the layout of a table of text', () => {
  test.each([
    [',', ''],
    [';', ''],
    ['\t', ''],
    ['|', ''],
    [',', '"'],
    [';', '"'],
    ['\t', '"'],
    ['|', '"'],
  ])('delimiter %j, quote %j', (delimiter, quote) => {
    expect(textLayoutOf(rows(delimiter, quote))).toEqual({
      delimiter,
      quoted: delimiter !== '\t' || quote !== '',
      linesAbove: 0,
      skippedRecords: 0,
      names: undefined,
      hasNames: true,
      hasTypes: false,
    })
  })

  test.each([
    ['a comma in every field of a file of semicolons', 'user;arm;price\n1;a;1,5\n2;b;2,5\n', ';'],
    ['commas in quotes', '"user, id";arm\n"1, 2";"a,b"\n', ';'],
    ['quoted delimiters and breaks', 'user,arm,note\n1,a,"x;y;z\n;;"\n2,b,";"\n', ','],
    ['a time with a comma', 'user|arm|at\n1|a|Jun 1, 2026\n2|b|Jun 2, 2026\n', '|'],
  ])('%s', (_, text, delimiter) => {
    expect(textLayoutOf(text)).toMatchObject({ delimiter, linesAbove: 0, hasNames: true })
  })

  test.each([
    ['a declared delimiter', 'sep=;\n' + rows(';'), 1, ';'],
    ['a declared delimiter in quotes, with CRLF', '"sep=,"\r\n' + rows(',').replaceAll('\n', '\r\n'), 1, ','],
    ['comments', '# made by a program\n# on a day, at night\n' + rows(','), 2, ','],
    ['comments of SQL, and a blank line', '-- exported\n\n' + rows(','), 2, ','],
    ["Excel's empty rows", ',,\n,,\n' + rows(','), 2, ','],
    ['a title', 'Exposures of June\n\n' + rows(';'), 2, ';'],
    ['a title in a sheet', 'Exposures of June,,\n,,\n' + rows(','), 2, ','],
  ])('%s above the column names', (_, text, linesAbove, delimiter) => {
    expect(textLayoutOf(text)).toMatchObject({
      delimiter,
      linesAbove,
      skippedRecords: linesAbove,
      names: undefined,
      hasNames: true,
    })
  })

  test('names that are empty or not distinct are called by their place', () => {
    expect(textLayoutOf('id,arm,id,,\n1,a,2,,\n')).toMatchObject({
      names: ['id', 'arm', 'id (2)', 'column 4', 'column 5'],
      linesAbove: 0,
      skippedRecords: 1,
    })
  })

  test('a column that is called # begins no comment', () => {
    expect(textLayoutOf('#,user,arm\n1,u1,a\n2,u2,b\n')).toMatchObject({
      names: ['column 1', 'user', 'arm'],
      skippedRecords: 1,
    })
    expect(textLayoutOf('#,,\nuser,arm,at\nu1,a,2026-06-01\n')).toMatchObject({
      names: undefined,
      linesAbove: 1,
    })
  })

  test('a quote that is never closed costs no more than one that is', () => {
    const began = performance.now()
    textLayoutOf(`user,arm\n"1,a\n${'2,a\n'.repeat(50_000)}`)
    textLayoutOf(`"user,arm\n${'2,a\n'.repeat(50_000)}`)
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('a file without column names', () => {
    expect(textLayoutOf(rows(',').split('\n').slice(1).join('\n'))).toMatchObject({
      names: ['column 1', 'column 2', 'column 3'],
      skippedRecords: 0,
      hasNames: false,
    })
  })

  test('column names that are written as a comment', () => {
    expect(textLayoutOf('#user,arm,at\n1,control,2026-06-01 10:00\n2,blue,2026-06-01 10:00\n')).toMatchObject(
      {
        names: ['user', 'arm', 'at'],
        linesAbove: 0,
        skippedRecords: 1,
        hasNames: true,
      },
    )
  })

  test.each([
    'user,arm,at\nString,LowCardinality(String),"DateTime64(3, \'UTC\')"\n',
    "user,arm,at\nUInt64,\"Enum8('a' = 1, 'b' = 2)\",Nullable(DateTime)\n",
  ])('the types of the columns, after their names: %j', (above) => {
    expect(textLayoutOf(`${above}1,a,2026-06-01 10:00\n`)).toMatchObject({
      names: ['user', 'arm', 'at'],
      linesAbove: 0,
      skippedRecords: 2,
      hasTypes: true,
    })
    expect(textLayoutOf('user,arm,at\nString,String,2026-06-01 10:00\n')).toMatchObject({ hasTypes: false })
  })

  test('what somebody said wins', () => {
    expect(textLayoutOf('a:b,c:d\n1:2,3:4\n', { given: ':' })).toMatchObject({ delimiter: ':' })
    expect(textLayoutOf('a,b\tc,d\n1,2\t3,4\n', { preferred: '\t' })).toMatchObject({ delimiter: '\t' })
  })

  test.each(['', '\n\n', 'user\n1\n2\n', 'x', '"open\nfield', '# only a comment'])(
    '%j has some layout',
    (text) => {
      expect(textLayoutOf(text).delimiter).toHaveLength(1)
    },
  )
})

test.each([
  ['utf-8', Buffer.from('user,arm\né,😀')],
  ['utf-8', Buffer.from('\ufeffuser,arm\n')],
  // The last character is cut.
  ['utf-8', Buffer.from('user,arm\né').subarray(0, -1)],
  ['utf-16le', Buffer.from('\ufeffuser,arm\n', 'utf16le')],
  ['utf-16be', Buffer.from('\ufeffuser,arm\n', 'utf16le').swap16()],
  ['utf-16le', Buffer.from('user,arm\n1,a\n', 'utf16le')],
  ['utf-16be', Buffer.from('user,arm\n1,a\n', 'utf16le').swap16()],
  ['windows-1252', Buffer.from('user,arm\n1,caf\u00e9\n', 'latin1')],
  ['utf-8', Buffer.alloc(0)],
])('%s is recognised', (encoding, bytes) => {
  expect(encodingOf(bytes)).toBe(encoding)
})

test('a compression is recognised by its first bytes', () => {
  expect(compressionOf(Buffer.from([0x1f, 0x8b, 8]))).toBe('gz')
  expect(compressionOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))).toBe('zstd')
  expect(compressionOf(Buffer.from('user,arm'))).toBe('none')
  expect(compressionOf(Buffer.alloc(0))).toBe('none')
})
