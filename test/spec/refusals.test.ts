import {
  exposureSpec,
  exposureWindow,
  growthbookViews,
  postHogEvents,
  selectGranularity,
  trustedSql,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const input = { environmentKey: 'prod', featureName: 'checkout' }
const spec = (changes: object) => (): unknown => exposureSpec({ ...input, ...changes })
const source = (changes: object) => spec({ source: { table: 't', ...changes } })
const filter = (changes: unknown) => spec({ filters: [{ column: 'a', equals: 1 }, changes] })
const breakdown = (changes: unknown) => spec({ breakdown: changes })

const name = 'Pass a name that is not empty and is well-formed Unicode.'
const lone = 'It holds a lone surrogate, which no UTF-8 text can; pass well-formed Unicode.'
const value = 'Pass well-formed text, a finite number, true or false, or an array of texts or numbers.'
const list = 'Pass an array of strings or of numbers that is not empty.'
const either = 'Pass a list to in, and one value to everything else.'
const comparison = 'Beside column, pass one of equals, in, like, or a range with atLeast, below or both.'
const zone = "Pass an IANA name such as 'UTC' or 'Europe/Madrid'."
const rows = 'Pass a whole number from 1 to 10,000,000.'
const top = 'Pass a whole number from 1 to 1,000.'
const ofCluster = 'Name the database: the shards of a cluster do not know that of the connection.'
const noEvent = 'The source has no event column, so nothing could be restricted by it. Leave it out.'
const noColumn = (field: string): string =>
  `The source has no such column, so nothing could be restricted by it. Leave ${field} out.`
const rollupFields = 'A rollup has the fields database, table, eventName.'
const postHogOptions = 'The options are table, identity, booleanFlag, materialized.'
const materialized = 'Pass a list of $feature_flag and $feature_flag_response.'

describe('what a spec and its parts are refused with', () => {
  test.each<[field: string, received: string, advice: string, make: () => unknown]>([
    ['spec', 'null', 'Pass { environmentKey, featureName }.', () => exposureSpec(null as never)],
    ['spec', '"s"', 'Pass { environmentKey, featureName }.', () => exposureSpec('s' as never)],
    [
      'limit',
      '7',
      'A spec has the fields environmentKey, featureName, eventName, timeZone, multiVariant, identityKey, maxRows, ' +
        'filters, breakdown, source.',
      spec({ limit: 7 }),
    ],
    ['environmentKey', '7', 'Pass a string.', spec({ environmentKey: 7 })],
    ['environmentKey', 'null', 'Pass a string.', spec({ environmentKey: null })],
    ['featureName', '""', 'Pass a key that is not empty.', spec({ featureName: '' })],
    ['featureName', '"\\ud800"', lone, spec({ featureName: '\ud800' })],
    ['eventName', '7', 'Pass a string.', spec({ eventName: 7 })],
    [
      'environmentKey',
      '"prod"',
      noColumn('environmentKey'),
      source({ columns: { environment: null, event: null } }),
    ],
    [
      'eventName',
      '"seen"',
      noColumn('eventName'),
      spec({ eventName: 'seen', source: { table: 't', columns: { event: null } } }),
    ],
    [
      'eventName',
      '"seen"',
      'The source has a rollup of another event. Pass that event, or the source without the rollup.',
      spec({ eventName: 'seen', source: rolledUp({ table: 't' }, 'r') }),
    ],
    [
      'filters',
      'an array of 1',
      'The source has a rollup, which does not keep what they are about. Pass the source without the rollup.',
      spec({ filters: [{ column: 'a', equals: 1 }], source: rolledUp({ table: 't' }, 'r') }),
    ],
    ['timeZone', '7', zone, spec({ timeZone: 7 })],
    ['timeZone', '"+02:00"', zone, spec({ timeZone: '+02:00' })],
    ['timeZone', '"Mars/Olympus"', zone, spec({ timeZone: 'Mars/Olympus' })],
    [
      'timeZone',
      '"europe/madrid"',
      'Write it Europe/Madrid: ClickHouse minds the case.',
      spec({ timeZone: 'europe/madrid' }),
    ],
    [
      'multiVariant',
      '"last-seen"',
      "Pass 'quarantine' or 'first-seen'.",
      spec({ multiVariant: 'last-seen' }),
    ],
    ['identityKey', '"md5"', "Pass 'hash' or 'exact'.", spec({ identityKey: 'md5' })],
    ['maxRows', '0', rows, spec({ maxRows: 0 })],
    ['maxRows', '1.5', rows, spec({ maxRows: 1.5 })],
    ['maxRows', '10000001', rows, spec({ maxRows: 10_000_001 })],

    ['source', 'null', 'Pass { table, columns } or flagsmithEvents().', spec({ source: null })],
    ['source', '"t"', 'Pass { table, columns } or flagsmithEvents().', spec({ source: 't' })],
    ['source.table', 'null', "Pass 'events' or { database, table }.", source({ table: null })],
    ['source.table', '7', "Pass 'events' or { database, table }.", source({ table: 7 })],
    ['source.table.table', '""', name, source({ table: '' })],
    ['source.table.table', '"\\udfff"', name, source({ table: '\udfff' })],
    ['source.table.database', '7', name, source({ table: { database: 7, table: 't' } })],
    [
      'source.columns.user',
      '"u"',
      'A source has the columns environment, feature, event, timestamp, identity, variant, arrival.',
      source({ columns: { user: 'u' } }),
    ],
    ...['environment', 'feature', 'event', 'timestamp', 'identity', 'variant', 'arrival'].map(
      (column) =>
        [`source.columns.${column}`, '7', name, source({ columns: { [column]: 7 } })] as [
          string,
          string,
          string,
          () => unknown,
        ],
    ),
    ['source.columns.feature', 'null', name, source({ columns: { feature: null } })],
    ['source.eventName', '""', 'Pass a key that is not empty.', source({ eventName: '' })],
    ['source.eventName', '"seen"', noEvent, source({ eventName: 'seen', columns: { event: null } })],
    ['source.shardedByIdentity', '1', 'Pass true or false.', source({ shardedByIdentity: 1 })],
    [
      'source.cluster',
      'null',
      'Name the cluster whose shards hold an identity each, or leave shardedByIdentity out.',
      source({ shardedByIdentity: true }),
    ],
    ['source.cluster', '""', name, source({ table: { database: 'd', table: 't' }, cluster: '' })],
    ['source.table.database', 'undefined', ofCluster, source({ cluster: 'c' })],
    [
      'rollup.database',
      'null',
      ofCluster,
      source({ table: { database: 'd', table: 't' }, cluster: 'c', rollup: 'r' }),
    ],
    ['rollup', 'undefined', "Pass the rollup's table.", () => rolledUp({ table: 't' }, undefined as never)],
    [
      'rollup',
      'null',
      "Pass 'exposures_by_day' or { database, table, eventName }.",
      source({ rollup: null }),
    ],
    ['rollup', '7', "Pass 'exposures_by_day' or { database, table, eventName }.", source({ rollup: 7 })],
    ['rollup.engine', '"Log"', rollupFields, source({ rollup: { table: 'r', engine: 'Log' } })],
    ['rollup.table', '""', name, source({ rollup: '' })],
    ['rollup.database', '7', name, source({ rollup: { database: 7, table: 'r' } })],
    ['rollup.table', '"t"', 'It is the table of the events. Pass one of its own.', source({ rollup: 't' })],
    [
      'rollup.eventName',
      '""',
      'Pass a key that is not empty.',
      source({ rollup: { table: 'r', eventName: '' } }),
    ],
    [
      'rollup.eventName',
      '"seen"',
      noEvent,
      source({ columns: { event: null }, rollup: { table: 'r', eventName: 'seen' } }),
    ],

    ['filters', '7', "Pass an array: [{ column: 'country', equals: 'ES' }].", spec({ filters: 7 })],
    ['filters[1]', 'null', 'Pass { column, equals } or another comparison, or trustedSql`…`.', filter(null)],
    ['filters[1]', '"a"', 'Pass { column, equals } or another comparison, or trustedSql`…`.', filter('a')],
    ['filters[1].column', 'undefined', name, filter({ equals: 1 })],
    [
      'filters[1].column',
      '"value"',
      'It is the variant. A filter on it would hide the identities that were exposed to another variant, ' +
        'and count them as if they had not been. Filter on another column, or read one variant of the summary.',
      filter({ column: 'value', equals: 1 }),
    ],
    ['filters[1]', 'an object', comparison, filter({ column: 'a' })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', equals: undefined })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', above: 1 })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', equals: 1, in: [1] })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', below: 1, like: 'a' })],
    ['filters[1].in', '1', either, filter({ column: 'a', in: 1 })],
    ['filters[1].equals', 'an array of 1', either, filter({ column: 'a', equals: [1] })],
    ['filters[1].in', 'an array of 0', list, filter({ column: 'a', in: [] })],
    ['filters[1].in', 'an array of 2', list, filter({ column: 'a', in: [1, 'a'] })],
    ['filters[1].in', 'an array of 1', list, filter({ column: 'a', in: [true] })],
    ['filters[1].in', 'an array of 3', list, filter({ column: 'a', in: [1, 0.5, 'a'] })],
    ['filters[1].equals', 'NaN', value, filter({ column: 'a', equals: NaN })],
    ['filters[1].equals', '"\\ud800"', value, filter({ column: 'a', equals: '\ud800' })],
    ['filters[1].equals', 'null', value, filter({ column: 'a', equals: null })],
    [
      'filters[1].like',
      '7',
      'Pass a pattern: % for any text, _ for any character.',
      filter({ column: 'a', like: 7 }),
    ],
    ['filters[1].atLeast', 'true', 'Pass text or a number.', filter({ column: 'a', atLeast: true })],
    ['filters[1].below', 'false', 'Pass text or a number.', filter({ column: 'a', below: false })],

    ['breakdown', '"country"', "Pass { column: 'country', top: 20 }.", breakdown('country')],
    [
      'breakdown.limit',
      'undefined',
      'A breakdown has the fields column, top.',
      breakdown({ column: 'a', limit: 7 }),
    ],
    ['breakdown.column', 'undefined', name, breakdown({})],
    ['breakdown.top', '0', top, breakdown({ column: 'a', top: 0 })],
    ['breakdown.top', '1.5', top, breakdown({ column: 'a', top: 1.5 })],
    ['breakdown.top', '1001', top, breakdown({ column: 'a', top: 1001 })],

    [
      'trustedSql',
      'an object',
      'Use it as a tag: trustedSql`lower(country) = ${country}`.',
      () => trustedSql('a = 1' as never),
    ],
    [
      'trustedSql',
      'an array of 1',
      'Use it as a tag: trustedSql`lower(country) = ${country}`.',
      () => trustedSql(['a = 1'] as never),
    ],
    [
      'trustedSql',
      'undefined',
      'The template has an escape that JavaScript does not know.',
      () => trustedSql`\u{none}`,
    ],
    ['trustedSql', '""', 'Write an expression or a condition.', () => trustedSql`  `],
    ['trustedSql', 'undefined', value, () => trustedSql`a = ${undefined as never}`],
    ['trustedSql', 'an array of 0', list, () => trustedSql`a IN ${[]}`],

    [
      'postHogEvents',
      'null',
      'Pass an object with the options table, identity, booleanFlag, materialized.',
      () => postHogEvents(null as never),
    ],
    [
      'postHogEvents',
      '"events"',
      'Pass an object with the options table, identity, booleanFlag, materialized.',
      () => postHogEvents('events' as never),
    ],
    ['postHogEvents.user', '1', postHogOptions, () => postHogEvents({ user: 1 } as never)],
    [
      'postHogEvents.identity',
      '"user_id"',
      "Pass 'person_id' or 'distinct_id'.",
      () => postHogEvents({ identity: 'user_id' as never }),
    ],
    [
      'postHogEvents.booleanFlag',
      '1',
      'Pass true or false.',
      () => postHogEvents({ booleanFlag: 1 as never }),
    ],
    [
      'postHogEvents.materialized',
      '"$feature_flag"',
      materialized,
      () => postHogEvents({ materialized: '$feature_flag' as never }),
    ],
    [
      'postHogEvents.materialized',
      'an array of 2',
      materialized,
      () => postHogEvents({ materialized: ['$feature_flag', '$plan' as never] }),
    ],
    [
      'growthbookViews.user',
      '1',
      'The options are table, identity.',
      () => growthbookViews({ user: 1 } as never),
    ],
  ])('%s: received %s. %s', (field, received, advice, make) => {
    expect(refusalOf(make)).toEqual({
      code: 'invalid-spec',
      message: `${field} is not usable: received ${received}. ${advice}`,
      details: { field, received },
    })
  })

  test.each<[what: string, make: () => unknown]>([
    ['rows', () => [1, 10_000_000].map((maxRows) => exposureSpec({ ...input, maxRows }).maxRows)],
    ['slices', () => [1, 1000].map((count) => breakdown({ column: 'a', top: count })())],
    ['a range', () => exposureSpec({ ...input, filters: [{ column: 'a', atLeast: 1, below: 'b' }] })],
    [
      'whole numbers among others',
      () => exposureSpec({ ...input, filters: [{ column: 'a', in: [1, 0.5] }] }),
    ],
    ['a value with nothing about it', () => trustedSql`${true}`],
    ['a rollup of the same name elsewhere', source({ rollup: { database: 'd', table: 't' } })],
    ['no database, said so', source({ table: { database: null, table: 't' } })],
    ['no arrival, said so', source({ columns: { arrival: null } })],
    ['another name for a zone', spec({ timeZone: 'Asia/Calcutta' })],
  ])('what is at the edge is taken: %s', (_, make) => {
    expect(make).not.toThrow()
  })
})

describe('what a window is refused with', () => {
  const first = Date.UTC(1970, 0, 2)
  const end = Date.UTC(2106, 0, 1)

  test('the first and the last that there is are taken, and one millisecond more is not', () => {
    expect(exposureWindow(first, end)).toEqual({ startMs: first, asOfMs: end })
    for (const [startMs, asOfMs] of [
      [first - 1, end],
      [first, end + 1],
    ] as const) {
      const refusal = {
        code: 'invalid-window',
        message:
          `The window ${startMs} to ${asOfMs} leaves 1970-01-02 to 2106-01-01, which is what a ` +
          'ClickHouse DateTime holds in every time zone. Are the numbers epoch milliseconds?',
        details: { startMs, asOfMs },
      }
      expect(refusalOf(() => exposureWindow(startMs, asOfMs))).toEqual(refusal)
      expect(refusalOf(() => selectGranularity({ startMs, asOfMs }))).toEqual(refusal)
    }
  })

  test.each([first, first + 1])('one that is empty: %i', (startMs) => {
    expect(refusalOf(() => exposureWindow(startMs, first))).toEqual({
      code: 'invalid-window',
      message: `The window is empty: start ${startMs} is not before asOf ${first}. Pass start < asOf.`,
      details: { startMs, asOfMs: first },
    })
  })

  test.each([
    ['start', { startMs: 'a', asOfMs: 2 }],
    ['asOf', { startMs: first, asOfMs: 'a' }],
  ])('one made by hand, of which %s is no instant', (name, window) => {
    expect(refusalOf(() => selectGranularity(window as never))).toMatchObject({
      code: 'invalid-instant',
      details: { name, received: '"a"' },
    })
  })
})
