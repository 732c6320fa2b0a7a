import { exposureSpec, flagsmithEvents, trustedSql, type ExposureSpecInput } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const minimal = { environmentKey: 'prod', featureName: 'checkout' }

describe('exposureSpec', () => {
  test('completes the defaults', () => {
    expect(exposureSpec(minimal)).toEqual({
      environmentKey: 'prod',
      featureName: 'checkout',
      eventName: '$flag_exposure',
      timeZone: 'UTC',
      multiVariant: 'quarantine',
      identityKey: 'hash',
      maxRows: 100_000,
      filters: [],
      breakdown: null,
      aliases: null,
      source: flagsmithEvents(),
    })
  })

  test('is frozen through and through', () => {
    const spec = exposureSpec(minimal)
    for (const part of [spec, spec.source, spec.source.table, spec.source.columns]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test.each<ExposureSpecInput>([
    minimal,
    { ...minimal, timeZone: 'Asia/Kolkata', multiVariant: 'first-seen', identityKey: 'exact', maxRows: 7 },
    {
      featureName: 'f',
      source: {
        table: { database: 'd', table: 't' },
        columns: { environment: null, event: null },
        cluster: 'c',
        shardedByIdentity: true,
      },
    },
    { ...minimal, source: { table: trustedSql`SELECT * FROM events WHERE country = ${'ES'}` } },
    { ...minimal, eventName: 'seen', source: { table: trustedSql`SELECT * FROM events` } },
  ])('a spec is its own spec: %o', (input) => {
    expect(exposureSpec(exposureSpec(input))).toEqual(exposureSpec(input))
  })

  test('a SELECT does not survive JSON, so that no data from a network becomes SQL', () => {
    const spec = exposureSpec({ ...minimal, source: { table: trustedSql`SELECT * FROM events` } })
    expect(() => exposureSpec(JSON.parse(JSON.stringify(spec)) as ExposureSpecInput)).toThrow(
      'Unknown field source.table.sql',
    )
  })

  test('a source’s columns keep their default names unless given, and null says there is none', () => {
    const { source, environmentKey, eventName } = exposureSpec({
      featureName: 'f',
      source: { table: 't', columns: { environment: null, event: null, identity: 'user_id' } },
    })
    expect(source).toEqual({
      cluster: null,
      shardedByIdentity: false,
      table: { database: null, table: 't' },
      columns: {
        environment: null,
        feature: 'feature_name',
        event: null,
        timestamp: 'timestamp',
        identity: 'user_id',
        variant: 'value',
        arrival: null,
      },
    })
    expect([environmentKey, eventName]).toEqual([null, null])
  })

  const noColumns = { table: 't', columns: { environment: null, event: null } }
  test.each<[string, unknown]>([
    ['spec', null],
    ['spec', 'checkout'],
    ['environmentKey', { featureName: 'f' }],
    ['environmentKey', { ...minimal, environmentKey: '' }],
    ['environmentKey', { ...minimal, environmentKey: 7 }],
    ['environmentKey', { ...minimal, environmentKey: 'a\uD800' }],
    ['environmentKey', { ...minimal, source: noColumns }],
    ['featureName', { environmentKey: 'prod' }],
    ['featureName', { ...minimal, featureName: '\uDC00' }],
    ['eventName', { ...minimal, eventName: '' }],
    ['eventName', { featureName: 'f', eventName: 'e', source: noColumns }],
    ['timeZone', { ...minimal, timeZone: 'Mars/Olympus' }],
    ['timeZone', { ...minimal, timeZone: '+02:00' }],
    ['timeZone', { ...minimal, timeZone: 'europe/madrid' }],
    ['timeZone', { ...minimal, timeZone: "UTC'); DROP TABLE events; --" }],
    ['timeZone', { ...minimal, timeZone: 0 }],
    ['multiVariant', { ...minimal, multiVariant: 'last-seen' }],
    ['multiVariant', { ...minimal, multiVariant: '__proto__' }],
    ['identityKey', { ...minimal, identityKey: 'md5' }],
    ['maxRows', { ...minimal, maxRows: 0 }],
    ['maxRows', { ...minimal, maxRows: 1.5 }],
    ['maxRows', { ...minimal, maxRows: 10_000_001 }],
    ['maxRows', { ...minimal, maxRows: '5' }],
    ['timezone', { ...minimal, timezone: 'UTC' }],
    ['source', { ...minimal, source: null }],
    ['source', { ...minimal, source: 'events' }],
    ['source.table', { ...minimal, source: {} }],
    ['source.table', { ...minimal, source: { table: '' } }],
    ['source.table.table', { ...minimal, source: { table: { database: 'd' } } }],
    ['source.table.database', { ...minimal, source: { table: { database: '', table: 't' } } }],
    ['source.table.database', { ...minimal, source: { table: 't', cluster: 'c' } }],
    ['source.cluster', { ...minimal, source: { table: { database: 'd', table: 't' }, cluster: '' } }],
    ['source.cluster', { ...minimal, source: { table: 't', shardedByIdentity: true } }],
    ['source.shardedByIdentity', { ...minimal, source: { table: 't', shardedByIdentity: 'yes' } }],
    ['source.columns.variant', { ...minimal, source: { table: 't', columns: { variant: null } } }],
    ['source.columns.identity', { ...minimal, source: { table: 't', columns: { identity: '' } } }],
    ['source.columns.timestamp', { ...minimal, source: { table: 't', columns: { timestamp: '\uD800' } } }],
    ['source.columns.user', { ...minimal, source: { table: 't', columns: { user: 'u' } } }],
    ['source.colums', { ...minimal, source: { table: 't', colums: { identity: 'u' } } }],
    ['source.table.db', { ...minimal, source: { table: { db: 'd', table: 't' } } }],
  ])('refuses an unusable %s, by name: %o', (field, input) => {
    expect(() => exposureSpec(input as ExposureSpecInput)).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        details: expect.objectContaining({ path: field }),
        message: expect.stringContaining(field),
      }),
    )
  })

  test('says how a zone’s name is written', () => {
    expect(() => exposureSpec({ ...minimal, timeZone: 'europe/madrid' })).toThrow('Write it Europe/Madrid')
  })

  // Names that are ICU's own, and how no name is written.
  const foreign =
    'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST SystemV/EST5'
  test.each([...foreign.split(' '), 'us/eastern', 'gmt', 'etc/utc', '-03:00'])(
    'refuses %s, which some platforms take for a zone and ClickHouse does not',
    (timeZone) => {
      expect(() => exposureSpec({ ...minimal, timeZone })).toThrow('Pass an IANA name')
    },
  )

  test.each(['Asia/Kolkata', 'US/Eastern', 'GB-Eire', 'EST', 'CET', 'PRC', 'GMT', 'Etc/GMT+5', 'PST8PDT'])(
    'takes the IANA name %s',
    (timeZone) => {
      expect(exposureSpec({ ...minimal, timeZone }).timeZone).toBe(timeZone)
    },
  )

  test.each(Intl.supportedValuesOf('timeZone'))('knows the zone %s', (timeZone) => {
    expect(exposureSpec({ ...minimal, timeZone }).timeZone).toBe(timeZone)
  })
})
