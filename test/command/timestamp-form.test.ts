import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClickHouseClient } from '@clickhouse/client'
import { askedPackage } from '../../src/command/asked-package.js'
import { embeddedClient, type EmbeddedConnection } from '../../src/command/embedded-client.js'
import {
  ambiguousZone,
  givenForm,
  hasZone,
  timestampKind,
  timestampSql,
  type TimestampForm,
} from '../../src/command/timestamp-form.js'
import { engineAvailable } from '../engine/availability.js'

describe.skipIf(!engineAvailable)('timestamps as people and programs write them', () => {
  let client: ClickHouseClient
  beforeAll(() => {
    const { createChdbConnection } = askedPackage('chdb/connection', '', '') as {
      createChdbConnection: (options: { path: string }) => EmbeddedConnection
    }
    client = embeddedClient(createChdbConnection({ path: ':memory:' }))
  })
  afterAll(() => client.close())

  const read = async (
    text: string,
    forms: readonly TimestampForm[],
  ): Promise<{ instant: string | null; isDate: boolean }> => {
    const { instant, isDate } = timestampSql('{text:String}', forms)
    const result = await client.query({
      query: `SELECT toString(${instant}, 'UTC') AS instant, ${isDate} AS isDate`,
      query_params: {
        text,
        time_zone: 'Europe/Madrid',
        timestamp_pattern: forms.flatMap((form) => (typeof form === 'object' ? [form.pattern] : []))[0] ?? '',
      },
      format: 'JSONEachRow',
    })
    const [row] = await result.json<{ instant: string | null; isDate: boolean | number }>()
    return { instant: row?.instant?.slice(0, 16) ?? null, isDate: Boolean(row?.isDate) }
  }

  const half = '2026-06-01 07:30'
  const noon = '2026-06-01 09:30'
  test.each<[string, TimestampForm, string]>([
    ['2026-06-01 09:30', 'iso', half],
    ['2026-06-01T09:30:00.000', 'iso', half],
    ['2026/6/1 9:30', 'iso', half],
    ['2026-06-01T09:30:00Z', 'iso', noon],
    ['2026-06-01T11:30:00+02:00', 'iso', noon],
    ['2026-06-01 11:30:00 +0200', 'iso', noon],
    ['2026-06-01 09:30:00 UTC', 'iso', noon],
    ['2026-06-01 09:30:00 +0000 UTC', 'other-iso', noon],
    ['2026-06-01 09:30:00,000', 'other-iso', half],
    ['2026.06.01 09:30', 'other-iso', half],
    ['2026-06-01  09:30', 'other-iso', half],
    ['2026-06-01 9:30 AM', 'other-iso', half],
    ['2026-06-01 9:30 a.m.', 'other-iso', half],
    ['2026-06-01 11:30:00 CEST', 'other-iso', noon],
    ['2026-06-01T05:30:00 EDT', 'other-iso', noon],
    ['2026-06-01 7:30 PM AEST', 'other-iso', noon],
    ['2026-06-01T11:30+02:00[Europe/Madrid]', 'other-iso', noon],
    ['2026-06-01T09:30:00Z[UTC]', 'other-iso', noon],
    ['20260601T093000Z', 'other-iso', noon],
    ['20260601T0930', 'other-iso', half],
    ['20260601 093000', 'other-iso', half],
    ['20260601093000', 'other-iso', half],
    ['20260601T113000+0200', 'other-iso', noon],
    ['06/01/2026 09:30', 'month-first', half],
    ['6/1/26 9:30', 'month-first', half],
    ['6/1/2026, 9:30:00 AM', 'month-first', half],
    ['01/06/2026 09:30', 'day-first', half],
    ['1-6-2026 09:30:00', 'day-first', half],
    ['01.06.2026 09:30', 'day.month', half],
    ['01.06.26, 09:30', 'day.month', half],
    ['01.06.2026 11:30 CEST', 'day.month', noon],
    ['06/01/2026 5:30 AM EDT', 'month-first', noon],
    ['6/1/2026, 9:30:00\u202fAM', 'month-first', half],
    ['6/1/2026, 11:30:00\u202fAM GMT+2', 'month-first', noon],
    ['2026-06-01 11:30:00 GMT+2', 'other-iso', noon],
    ['Jun 1, 2026, 9:30\u00a0AM', 'named', half],
    ['06.01.2026 09:30', 'month.day', half],
    ['1 Jun 2026 09:30', 'named', half],
    ['Jun 1, 2026 9:30 AM', 'named', half],
    ['June 1, 2026 at 9:30 AM', 'named', half],
    ['Monday, 1 June 2026 at 09:30', 'named', half],
    ['01-JUN-2026 09:30', 'named', half],
    ['Mon, 01 Jun 2026 09:30:00 GMT', 'named', noon],
    ['01/Jun/2026:11:30:00 +0200', 'named', noon],
    ['Mon Jun 01 2026 11:30:00 GMT+0200 (Central European Summer Time)', 'named', noon],
    ['Mon Jun  1 09:30:00 2026', 'named', half],
    ['Mon Jun  1 09:30:00 UTC 2026', 'named', noon],
    ['Mon Jun  1 11:30:00 CEST 2026', 'named', noon],
    ['1 Jun 2026 05:30 EDT', 'named', noon],
    ['1780306200', 'epoch', noon],
    ['1780306200.0', 'epoch', noon],
    ['1780306200,0', 'epoch', noon],
    ['1780306200000', 'epoch', noon],
    ['1780306200000.0', 'epoch', noon],
    ['1780306200000000', 'epoch', noon],
    ['1780306200000000000', 'epoch', noon],
    ['1.7803062e9', 'epoch', noon],
    ['1.7803062E+12', 'epoch', noon],
    ['1780306200', 's', noon],
    ['1780306200000', 'ms', noon],
    ['46174.3958333333', 'excel', half],
    ['46174,3958333333', 'excel', half],
  ])('%s as %s', async (text, form, expected) => {
    expect(await read(text, [form])).toEqual({ instant: expected, isDate: false })
  })

  test.each<[string, string]>([
    ['%d.%m.%Y %H:%M', '01.06.2026 09:30'],
    ['%Y%m%d%H%M', '202606010930'],
    ['DD/MM/YYYY HH:mm', '01/06/2026 09:30'],
    ['dd.MM.yyyy HH:mm', '01.06.2026 09:30'],
    ['%d %b %Y %H:%M', '01 Jun 2026 09:30'],
  ])('the pattern %s', async (pattern, text) => {
    expect(await read(text, givenForm(pattern) ?? [])).toEqual({ instant: half, isDate: false })
    expect((await read('soon', givenForm(pattern) ?? [])).instant).toBeNull()
  })

  test.each<[string, TimestampForm]>([
    ['2026-06-01', 'iso'],
    ['2026-06-01T00:00:00', 'iso'],
    ['20260601', 'other-iso'],
    ['2026.06.01', 'other-iso'],
    ['6/1/2026', 'month-first'],
    ['6/1/26 0:00', 'month-first'],
    ['6/1/2026 12:00:00 AM', 'month-first'],
    ['1/6/2026', 'day-first'],
    ['01.06.2026', 'day.month'],
    ['1 June 2026', 'named'],
    ['46174', 'excel'],
  ])('%s is a date (%s)', async (text, form) => {
    expect(await read(text, [form])).toEqual({ instant: '2026-05-31 22:00', isDate: true })
  })

  test('a pattern without an hour is of dates', async () => {
    expect(await read('01.06.2026', givenForm('%d.%m.%Y') ?? [])).toEqual({
      instant: '2026-05-31 22:00',
      isDate: true,
    })
    expect(await read('01.06.2026', givenForm('DD.MM.YYYY') ?? [])).toMatchObject({ isDate: true })
  })

  test.each<[string, TimestampForm]>([
    ['soon', 'iso'],
    ['2026-02-30', 'iso'],
    ['0000-06-01', 'iso'],
    ['2026-00-10', 'iso'],
    ['2026-06-01 25:00', 'iso'],
    ['31/06/2026', 'day-first'],
    ['13/06/2026', 'month-first'],
    ['06/13/2026', 'day-first'],
    ['6/1/2026 13:00 PM', 'month-first'],
    ['31 Jun 2026', 'named'],
    ['5', 'epoch'],
    ['178030620', 'epoch'],
    ['20261301', 'other-iso'],
  ])('%s is none (%s)', async (text, form) => {
    expect((await read(text, [form])).instant).toBeNull()
  })
})

test.each([
  ['2026-06-01', 'iso', false],
  ['2026-06-01T09:30:00+02', 'iso', true],
  ['20260601T093000Z', 'other-iso', true],
  ['20260601', 'other-iso', false],
  ['27-12-2022', 'numbers', false],
  ['12/27/2022 9:30 PM', 'numbers', false],
  ['Mon, 01 Jun 2026 09:30:00 GMT', 'named', true],
  ['1.7e9', 'epoch', true],
  ['1700000000', 'epoch', true],
  ['1700000000,25', 'epoch', true],
  ['2026-06-01 09:30:00 CEST', 'other-iso', true],
  ['2026-06-01 11:30:00 GMT+2', 'other-iso', true],
  ['6/1/2026, 9:30:00\u202fAM', 'numbers', false],
  ['2026-06-01T09:30+02:00[Europe/Madrid]', 'other-iso', true],
  ['Mon Jun  1 09:30:00 UTC 2026', 'named', true],
  ['Mon Jun  1 09:30:00 2026', 'named', false],
  ['2026-06-01 09:30:00 BST', undefined, false],
  ['12345', undefined, false],
  ['123', undefined, false],
  ['soon', undefined, false],
  ['192.168.0.1', undefined, false],
])('%s is of kind %s, with a zone: %s', (text, kind, zoned) => {
  expect(timestampKind(text)).toBe(kind)
  expect(hasZone(text)).toBe(zoned)
})

test.each([
  ['2026-06-01 09:30:00 BST', { name: 'BST', pattern: '%Y-%m-%d %H:%M:%S BST' }],
  ['2026-06-01T09:30 CST', { name: 'CST', pattern: '%Y-%m-%dT%H:%M CST' }],
  ['01.06.2026 09:30 IST', { name: 'IST', pattern: '%d.%m.%Y %H:%M IST' }],
  ['2026-06-01 09:30:00 CEST', undefined],
  ['2026-06-01 9:30 AM', undefined],
  ['2026-06-01 BST', undefined],
  ['soon BST', undefined],
])('the zone of %s', (text, zone) => {
  expect(ambiguousZone(text)).toEqual(zone)
})

test.each(['tomorrow', '', 'YYYY', 'd/m'])('%j is no form', (text) => {
  expect(givenForm(text)).toBeUndefined()
})
