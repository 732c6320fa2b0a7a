import {
  exposureSpec,
  exposureWindow,
  growthbookViews,
  postHogEvents,
  selectGranularity,
  trustedSql,
} from 'first-exposure'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf, refused } from '../refusal-of.js'

const input = { environmentKey: 'prod', featureName: 'checkout' }
const spec = (changes: object) => (): unknown => exposureSpec({ ...input, ...changes })
const source = (changes: object) => spec({ source: { table: 't', ...changes } })
const filter = (changes: unknown) => spec({ filters: [{ column: 'a', equals: 1 }, changes] })
const breakdown = (changes: unknown) => spec({ breakdown: changes })

const name = 'Pass text that is not empty and has no lone surrogates.'
const environmentNeeded = 'Pass it, or columns: { environment: null } if the table has no environment column.'
const value =
  'Pass well-formed text, a finite number (beyond 2^53 as text), true or false, or an array of texts or numbers.'
const list = 'Pass an array of strings or of numbers that is not empty.'
const one = 'Pass one value; for a list, use in.'
const comparison =
  'Beside column, pass one of equals, in, notIn, like, notLike, isNull, or a range with atLeast, below or both.'
const zone = "Pass an IANA name such as 'UTC' or 'Europe/Madrid'."
const rows = 'Pass a whole number from 1 to 10,000,000.'
const top = 'Pass a whole number from 1 to 1,000.'
const ofCluster = 'Name it: the shards of a cluster do not know the database of the connection.'
const noColumn = (column: string, path: string): string =>
  `The source has no ${column} column, so ${path} has no effect.`
const specFields =
  'environmentKey, featureName, eventName, timeZone, multiVariant, identityKey, maxRows, filters, breakdown, aliases, source'
const object = (fields: string): string => `Pass an object with the fields ${fields}.`
const sourceFields = 'table, columns, eventName, final, rollup, cluster, shardedByIdentity'
const columnNames = 'environment, feature, event, timestamp, identity, variant, arrival'
const comparisons = 'column, equals, in, notIn, atLeast, below, like, notLike, isNull'

const aSelect = trustedSql`SELECT * FROM events`

describe('what a spec and its parts are refused with', () => {
  test.each<[path: string, received: string, advice: string, make: () => unknown, problem?: string]>([
    ['spec', 'null', object(specFields), () => exposureSpec(null as never)],
    ['spec', '"s"', object(specFields), () => exposureSpec('s' as never)],
    ['environmentKey', 'undefined', environmentNeeded, () => exposureSpec({ featureName: 'checkout' })],
    ['environmentKey', '7', name, spec({ environmentKey: 7 })],
    ['environmentKey', 'null', environmentNeeded, spec({ environmentKey: null })],
    ['featureName', '""', name, spec({ featureName: '' })],
    ['featureName', '"\\ud800"', name, spec({ featureName: '\ud800' })],
    ['eventName', '7', name, spec({ eventName: 7 })],
    [
      'source.table',
      '"analytics.app_events"',
      'Pass { database: "analytics", table: "app_events" }; for a table whose own name has a dot, { table: "analytics.app_events" }.',
      source({ table: 'analytics.app_events' }),
    ],
    [
      'rollup',
      '"a.b.c"',
      'Pass { database: "a", table: "b.c" }; for a table whose own name has a dot, { table: "a.b.c" }.',
      source({ table: 'events', rollup: 'a.b.c' }),
    ],
    ...["JSONExtractString(props, 'x')", 'lower (id)', 'ts::DateTime64(3)', 'ids[1]'].map(
      (column): [string, string, string, () => unknown, string] => [
        'source.columns.identity',
        JSON.stringify(column),
        'An expression is passed as trustedSql`…`, with the text in your code.',
        source({ columns: { identity: column } }),
        `source.columns.identity is the name of a column, and ${JSON.stringify(column)} looks like SQL.`,
      ],
    ),
    ['source.final', '1', 'Pass true or false.', source({ final: 1 })],
    [
      'source.final',
      'true',
      'Leave one of the two out.',
      source({ final: true, rollup: 'by_day' }),
      'source.final leaves replaced rows out, but the rollup of the source has seen them.',
    ],
    [
      'source.final',
      'true',
      'Write FINAL in the SELECT, after the name of its table.',
      source({ table: aSelect, final: true }),
      'source.final is about a table, and source.table is a SELECT.',
    ],
    ...(['source', 'rolledUp', 'rollupSchema'] as const).map((by) => {
      const rollup = 'by_day'
      const make = {
        source: source({ table: aSelect, rollup }),
        rolledUp: () => rolledUp({ table: aSelect }, rollup),
        rollupSchema: () => rollupSchema({ source: { table: aSelect }, rollup }),
      }
      return [
        'rollup',
        '"by_day"',
        'Leave the rollup out, or pass the table that the events are inserted into, with expressions as its columns.',
        make[by],
        'A rollup is filled by what is inserted into a table, and source.table is a SELECT.',
      ] as [string, string, string, () => unknown, string]
    }),
    [
      'source.cluster',
      '"c"',
      'Name the cluster in the SELECT: FROM cluster(…), or a Distributed table.',
      source({ table: aSelect, cluster: 'c', shardedByIdentity: true }),
      'source.cluster is about the shards of a table, and source.table is a SELECT.',
    ],
    [
      'source.shardedByIdentity',
      'true',
      'Leave it out, or pass the table itself with its cluster.',
      source({ table: aSelect, shardedByIdentity: true }),
      'source.shardedByIdentity is about the shards of a table, and source.table is a SELECT.',
    ],
    ...[
      trustedSql`events`,
      trustedSql`${'events'}`,
      trustedSql`INSERT INTO a SELECT 1`,
      trustedSql`-- SELECT`,
      trustedSql`selected`,
    ].map((table): [string, string, string, () => unknown, string] => [
      'source.table',
      'an object',
      'Pass a whole SELECT: trustedSql`SELECT … FROM …`. The name of a table is passed as text.',
      source({ table }),
      'source.table is SQL, but no SELECT.',
    ]),
    ...[trustedSql`SELECT 1;`, trustedSql`SELECT ${1}; -- done`, trustedSql`SELECT 1; SELECT 2`].map(
      (table): [string, string, string, () => unknown, string] => [
        'source.table',
        'an object',
        'Remove it.',
        source({ table }),
        'source.table has a semicolon, which would end the statement inside its parentheses.',
      ],
    ),
    [
      'source.table',
      '"SELECT * FROM db.events"',
      'A SELECT is passed as trustedSql`…`, with the text in your code.',
      source({ table: 'SELECT * FROM db.events' }),
      'source.table is the name of a table, and this text looks like SQL.',
    ],
    ['eventName', 'an array of 0', 'Pass one name or more.', spec({ eventName: [] })],
    ['eventName[1]', '""', name, spec({ eventName: ['seen', ''] })],
    [
      'environmentKey',
      '"prod"',
      'Leave it out.',
      source({ columns: { environment: null, event: null } }),
      noColumn('environment', 'environmentKey'),
    ],
    [
      'eventName',
      '"seen"',
      'Leave it out.',
      spec({ eventName: 'seen', source: { table: 't', columns: { event: null } } }),
      noColumn('event', 'eventName'),
    ],
    [
      'eventName',
      '"seen"',
      'Pass "$flag_exposure", or the source without the rollup.',
      spec({ eventName: 'seen', source: rolledUp({ table: 't' }, 'r') }),
      'The source has a rollup of another event.',
    ],
    [
      'filters[0].column',
      '"a"',
      'Declare it when you create the rollup, with rollupSchema({ …, columns: ["a"] }), or pass the source without the rollup.',
      spec({ filters: [{ column: 'a', equals: 1 }], source: rolledUp({ table: 't' }, 'r') }),
      'The source has a rollup, which does not keep this column.',
    ],
    [
      'filters[0].below',
      '9',
      'Compare with text, a whole number or a boolean, not with a range; or pass the source without the rollup.',
      spec({
        filters: [{ column: 'a', below: 9 }],
        source: rolledUp({ table: 't' }, { table: 'r', columns: ['a'] }),
      }),
      'The source has a rollup, which keeps the column as text.',
    ],
    [
      'filters[0]',
      'an object',
      'Compare a declared column, or pass the source without the rollup.',
      spec({ filters: [trustedSql`a = 1`], source: rolledUp({ table: 't' }, 'r') }),
      'filters[0] is trusted SQL. The source has a rollup, which does not keep every column.',
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

    ['source', 'null', object(sourceFields), spec({ source: null })],
    ['source', '"t"', object(sourceFields), spec({ source: 't' })],
    ['source.table', 'null', name, source({ table: null })],
    ['source.table', '7', name, source({ table: 7 })],
    ['source.table', '""', name, source({ table: '' })],
    ['source.table.table', '"\\udfff"', name, source({ table: { table: '\udfff' } })],
    ['source.table.database', '7', name, source({ table: { database: 7, table: 't' } })],
    ['source.columns', '7', object(columnNames), source({ columns: 7 })],
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
    ['source.eventName', '""', name, source({ eventName: '' })],
    [
      'source.eventName',
      '"seen"',
      'Leave it out.',
      source({ eventName: 'seen', columns: { event: null } }),
      noColumn('event', 'source.eventName'),
    ],
    ['source.shardedByIdentity', '1', 'Pass true or false.', source({ shardedByIdentity: 1 })],
    [
      'source.cluster',
      'undefined',
      'Name the cluster, or leave shardedByIdentity out.',
      source({ shardedByIdentity: true }),
      'source.shardedByIdentity is about the shards of a cluster, and source.cluster names none.',
    ],
    ['source.cluster', '""', name, source({ table: { database: 'd', table: 't' }, cluster: '' })],
    ['source.table.database', 'undefined', ofCluster, source({ cluster: 'c' })],
    [
      'rollup.database',
      'undefined',
      ofCluster,
      source({ table: { database: 'd', table: 't' }, cluster: 'c', rollup: 'r' }),
    ],
    ['rollup', 'undefined', "Pass the rollup's table.", () => rolledUp({ table: 't' }, undefined as never)],
    ['rollup', 'null', name, source({ rollup: null })],
    ['rollup', '7', name, source({ rollup: 7 })],
    ['rollup', '""', name, source({ rollup: '' })],
    ['rollup.table', '""', name, source({ rollup: { table: '' } })],
    ['rollup.database', '7', name, source({ rollup: { database: 7, table: 'r' } })],
    [
      'rollup.table',
      '"t"',
      'Pass a table of its own.',
      source({ rollup: 't' }),
      'rollup.table is the table of the events.',
    ],
    ['rollup.eventName', '""', name, source({ rollup: { table: 'r', eventName: '' } })],
    [
      'rollup.eventName',
      '"seen"',
      'Leave it out.',
      source({ columns: { event: null }, rollup: { table: 'r', eventName: 'seen' } }),
      noColumn('event', 'rollup.eventName'),
    ],

    ['filters', '7', 'Pass an array.', spec({ filters: 7 })],
    ['filters[1]', 'null', object(comparisons), filter(null)],
    ['filters[1]', '"a"', object(comparisons), filter('a')],
    ['filters[1].column', 'undefined', name, filter({ equals: 1 })],
    [
      'filters[1].column',
      '"value"',
      'Filter on another column, or read one variant of the summary.',
      filter({ column: 'value', equals: 1 }),
      'filters[1].column is the variant. A filter on it would hide the identities that were exposed to another ' +
        'variant, and count them as if they had not been.',
    ],
    ['filters[1]', 'an object', comparison, filter({ column: 'a' })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', equals: undefined })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', equals: 1, in: [1] })],
    ['filters[1]', 'an object', comparison, filter({ column: 'a', below: 1, like: 'a' })],
    ['filters[1].in', '1', 'Pass a list; for one value, use equals.', filter({ column: 'a', in: 1 })],
    ['filters[1].equals', 'an array of 1', one, filter({ column: 'a', equals: [1] })],
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
    [
      'filters[1].atLeast',
      'true',
      'Pass text, a number, or an instant as a Date.',
      filter({ column: 'a', atLeast: true }),
    ],
    [
      'filters[1].below',
      'false',
      'Pass text, a number, or an instant as a Date.',
      filter({ column: 'a', below: false }),
    ],

    ['breakdown', '"country"', object('column, top'), breakdown('country')],
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
      object('table, identity, booleanFlag, materialized'),
      () => postHogEvents(null as never),
    ],
    [
      'postHogEvents',
      '"events"',
      object('table, identity, booleanFlag, materialized'),
      () => postHogEvents('events' as never),
    ],
    [
      'postHogEvents.identity',
      '"user_id"',
      "Pass 'person_id' or 'distinct_id' or '$group_0' or '$group_1' or '$group_2' or '$group_3' or '$group_4'.",
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
      'Pass an array.',
      () => postHogEvents({ materialized: '$feature_flag' as never }),
    ],
    [
      'postHogEvents.materialized[1]',
      '"$plan"',
      "Pass '$feature_flag' or '$feature_flag_response'.",
      () => postHogEvents({ materialized: ['$feature_flag', '$plan' as never] }),
    ],
  ])('%s: received %s. %s', (path, received, advice, make, problem) => {
    expect(refusalOf(make)).toEqual(refused('invalid-spec', path, received, advice, problem))
  })

  test.each<[path: string, fields: string, meant: string | null, make: () => unknown]>([
    ['limit', specFields, null, spec({ limit: 7 })],
    ['enviromentKey', specFields, 'environmentKey', spec({ enviromentKey: 7 })],
    ['timezone', specFields, 'timeZone', spec({ timezone: 7 })],
    ['source.colums', sourceFields, 'source.columns', source({ colums: 7 })],
    ['source.table.name', 'database, table', null, source({ table: { name: 7, table: 't' } })],
    ['source.columns.user', columnNames, null, source({ columns: { user: 7 } })],
    [
      'rollup.evenName',
      'database, table, eventName, columns',
      'rollup.eventName',
      source({ rollup: { table: 'r', evenName: 7 } }),
    ],
    ['filters[1].atleast', comparisons, 'filters[1].atLeast', filter({ column: 'a', atleast: 7 })],
    ['breakdown.tops', 'column, top', 'breakdown.top', breakdown({ column: 'a', tops: 7 })],
    [
      'postHogEvents.materialised',
      'table, identity, booleanFlag, materialized',
      'postHogEvents.materialized',
      () => postHogEvents({ materialised: 7 } as never),
    ],
    ['growthbookViews.user', 'table, identity', null, () => growthbookViews({ user: 7 } as never)],
  ])('an unknown field: %s', (path, fields, meant, make) => {
    expect(refusalOf(make)).toEqual(
      refused(
        'invalid-spec',
        path,
        'a number',
        `The fields are ${fields}.`,
        `Unknown field ${path}${meant === null ? '.' : `; did you mean ${meant}?`}`,
      ),
    )
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
    ['a table of the name of a statement', source({ table: 'selected' })],
    [
      'a SELECT, however it is written',
      () =>
        [
          trustedSql`select 1`,
          trustedSql`(SELECT 1) UNION ALL (SELECT 2)`,
          trustedSql`-- the views
            /* of ; all */ WITH a AS (SELECT ';', "a;b", \`c;d\`, $sql$;$sql$) FROM a SELECT * # ; the end`,
        ].map((table) => source({ table, final: false, cluster: null, shardedByIdentity: false })()),
    ],
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
      const refusal = refused(
        'invalid-window',
        startMs < first ? 'start' : 'asOf',
        String(startMs < first ? startMs : asOfMs),
        'Pass 1970-01-02 to 2106-01-01, which a ClickHouse DateTime holds in every time zone. ' +
          'Are the numbers epoch milliseconds?',
      )
      expect(refusalOf(() => exposureWindow(startMs, asOfMs))).toEqual(refusal)
      expect(refusalOf(() => selectGranularity({ startMs, asOfMs }))).toEqual(refusal)
    }
  })

  test.each([first, first + 1])('one that is empty: %i', (startMs) => {
    expect(refusalOf(() => exposureWindow(startMs, first))).toEqual(
      refused('invalid-window', 'asOf', String(first), `Pass an instant after the start, ${startMs}.`),
    )
  })

  test.each([undefined, null, '2026'])('what is not a window: %s', (window) => {
    expect(refusalOf(() => selectGranularity(window as never))).toEqual(
      refused(
        'invalid-window',
        'window',
        typeof window === 'string' ? `"${window}"` : String(window),
        'Pass an object.',
      ),
    )
  })

  test.each([
    ['startMs', { startMs: 'a', asOfMs: 2 }],
    ['asOfMs', { startMs: first, asOfMs: 'a' }],
  ])('one made by hand, in which %s is not an instant', (path, window) => {
    expect(refusalOf(() => selectGranularity(window as never))).toMatchObject({
      code: 'invalid-instant',
      details: { path, received: '"a"' },
    })
  })
})
