import type { ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type ExposureSpecInput } from 'first-exposure'
import { fetchExposureLedger, fetchIdentityTimeline } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quoted } from '../sql/quoted.js'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'

// Of identity 1: once before the window, twice in it. Of 2: in two variants. And one exposure is nobody's.
const rows: readonly [
  identity: number | null,
  at: string,
  variant: string | null,
  arrivedAt: string | null,
][] = [
  [1, '2026-05-31 23:59:59', 'a', '2026-05-31 23:59:59'],
  [1, '2026-06-01 10:00:00', 'a', '2026-06-01 10:00:07'],
  [1, '2026-06-02 23:59:59', 'a', '2026-06-03 00:00:00'],
  [2, '2026-06-03 10:00:00', 'b', null],
  [2, '2026-06-04 10:00:00', 'a', '2026-06-04 09:59:58'],
  [null, '2026-06-05 10:00:00', 'a', '2026-06-05 10:00:00'],
]
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-08T00:00:00Z')
const uuid = (n: number): string => `00000000-0000-0000-0000-00000000000${n}`
const plain = {
  feature: 'feature',
  timestamp: 'timestamp',
  identity: 'identity',
  variant: 'variant',
  arrival: 'arrival',
}

describe.skipIf(!engineAvailable)('a diagnosis, on the engine', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    // The embedded engine's default database takes some names for files.
    await client.command({ query: 'CREATE DATABASE diagnosed' })
    await client.command({ query: 'USE diagnosed' })
  })
  afterAll(async () => {
    await client.close()
  })

  const createTable = async ({
    names = plain,
    types = {},
    identityOf = (n: number | null): string | number | null => (n === null ? '' : `user-${n}`),
  }: {
    names?: Readonly<Record<keyof typeof plain, string>>
    types?: Partial<Record<keyof typeof plain, string>>
    identityOf?: (n: number | null) => string | number | null
  } = {}): Promise<ExposureSpecInput> => {
    const column = (name: keyof typeof plain, type: string): string =>
      `${quoted(names[name])} ${types[name] ?? type}`
    await client.command({
      query: `CREATE OR REPLACE TABLE t (${[
        column('feature', 'String'),
        column('timestamp', "DateTime64(3, 'UTC')"),
        column('identity', 'String'),
        column('variant', 'String'),
        column('arrival', "Nullable(DateTime64(3, 'UTC'))"),
      ].join(', ')}) ENGINE = MergeTree ORDER BY tuple()`,
    })
    await client.insert({
      table: 't',
      format: 'JSONEachRow',
      values: rows.map(([identity, at, variant, arrivedAt]) => ({
        [names.feature]: 'f',
        [names.timestamp]: at,
        [names.identity]: identityOf(identity),
        [names.variant]: variant,
        [names.arrival]: arrivedAt,
      })),
    })
    return {
      featureName: 'f',
      source: { table: 't', columns: { environment: null, event: null, ...names } },
    }
  }
  const expectRight = async (
    input: ExposureSpecInput,
    identities: readonly [string, string] = ['user-1', 'user-2'],
    analyzers: readonly number[] = [0, 1],
  ): Promise<void> => {
    for (const multiVariant of ['quarantine', 'first-seen'] as const) {
      for (const analyzer of analyzers) {
        const settings = { allow_experimental_analyzer: analyzer }
        const spec = exposureSpec({ ...input, multiVariant })
        const ledger = await fetchExposureLedger(client, spec, window, { settings, variants: ['a'] })
        const quarantined = multiVariant === 'quarantine'
        expect(Object.fromEntries(ledger.parts.map(({ part, events }) => [part, events]))).toEqual({
          'no-timestamp': 0,
          'before-window': 1,
          'after-window': 0,
          filtered: 0,
          'no-variant': 0,
          'no-identity': 1,
          'first-exposure': quarantined ? 1 : 2,
          duplicate: quarantined ? 1 : 2,
          quarantined: quarantined ? 2 : 0,
        })
        expect(ledger).toMatchObject({
          scanned: 6,
          excludedIdentities: quarantined ? 1 : 0,
          exposuresByVariant: { a: 3, b: 1 },
          unconfigured: { b: { events: 1, identities: quarantined ? 0 : 1 } },
          lateness: { events: 3, lateEvents: 1, p50Seconds: 1, p90Seconds: 7, p99Seconds: 7, maxSeconds: 7 },
        })
        const one = await fetchIdentityTimeline(client, spec, window, identities[0], { settings, limit: 2 })
        const at = Date.UTC(2026, 5, 1, 10)
        expect(one).toEqual({
          verdict: { type: 'counted', variant: 'a', at },
          scanned: 3,
          events: [
            { at, variant: 'a', disposition: 'exposure' },
            { at: Date.UTC(2026, 5, 2, 23, 59, 59), variant: 'a', disposition: 'exposure' },
          ],
          truncated: true,
          resolved: null,
        })
        const two = await fetchIdentityTimeline(client, spec, window, identities[1], { settings })
        const first = { variant: 'b', at: Date.UTC(2026, 5, 3, 10) }
        expect(two.verdict).toEqual(
          quarantined
            ? { type: 'quarantined', ...first, by: 'a', byAt: Date.UTC(2026, 5, 4, 10) }
            : { type: 'counted', ...first },
        )
      }
    }
    await client.command({ query: 'SET allow_experimental_analyzer = 1' })
  }

  test.each<[string, Parameters<typeof createTable>[0], [string, string]?]>([
    ['plain', {}],
    ['UUID', { types: { identity: 'UUID' }, identityOf: (n) => uuid(n ?? 0) }, [uuid(1), uuid(2)]],
    ['integer', { types: { identity: 'Nullable(UInt64)' }, identityOf: (n) => n }, ['1', '2']],
    [
      'LowCardinality',
      { types: { identity: 'LowCardinality(Nullable(String))', variant: 'LowCardinality(String)' } },
    ],
    ['FixedString', { types: { identity: 'FixedString(16)', variant: "Enum8('a' = 1, 'b' = 2)" } }],
    ['Nullable', { types: { timestamp: "Nullable(DateTime64(6, 'UTC'))", variant: 'Nullable(String)' } }],
    ['DateTime', { types: { timestamp: "DateTime('UTC')", arrival: "Nullable(DateTime('UTC'))" } }],
  ])('columns may be of other types: %s', async (_, layout, identities) => {
    await expectRight(await createTable(layout), identities)
  })

  test('columns may bear the statements’ own names', async () => {
    const names = [
      ['first_exposures_variant_keys', 'identity_states', 'rank_bits', 'first_second', 'first_nano_and_rank'],
      ['identity_exposures', 'event_disposition', 'event_variant', 'events_counted', 'events_late'],
      ['seconds_late', 'identity_story', 'event_instant', 'disposition', 'variant'],
      ['events', 'identities', 'lateness_seconds', 'shown', 'at_ms'],
      ['counted_rank', 'identities_counted', 'arrived', 'variant', 'disposition'],
    ]
    for (const some of names) {
      for (const turn of some.keys()) {
        const [feature = '', timestamp = '', identity = '', variant = '', arrival = ''] = [
          ...some.slice(turn),
          ...some.slice(0, turn),
        ]
        const input = await createTable({ names: { feature, timestamp, identity, variant, arrival } })
        await expectRight(input, undefined, [turn % 2])
      }
    }
  }, 120_000)

  test('an event without a timestamp is no exposure, and has a part of its own', async () => {
    const input = await createTable({ types: { timestamp: "Nullable(DateTime64(3, 'UTC'))" } })
    await client.command({
      query: "INSERT INTO t (feature, identity, variant) VALUES ('f', 'timeless', 'a')",
    })
    const spec = exposureSpec(input)
    const ledger = await fetchExposureLedger(client, spec, window)
    expect(ledger.parts[0]).toEqual({ part: 'no-timestamp', events: 1, byVariant: { a: 1 } })
    expect(ledger.scanned).toBe(7)
    expect(await fetchIdentityTimeline(client, spec, window, 'timeless')).toMatchObject({
      verdict: { type: 'never-counted', because: 'no-timestamp' },
      events: [{ at: null, variant: 'a', disposition: 'no-timestamp' }],
    })
  })

  test('a filter that is NULL keeps an event out, as in a WHERE, and one that eats an arm shows', async () => {
    const input = await createTable()
    const spec = exposureSpec({ ...input, filters: [{ column: 'arrival', atLeast: '2026-06-01 12:00:00' }] })
    const { parts } = await fetchExposureLedger(client, spec, window)
    // One of identity 1 came too early, and the arrival of the only `b` is NULL.
    expect(parts.find(({ part }) => part === 'filtered')).toEqual({
      part: 'filtered',
      events: 2,
      byVariant: { a: 1, b: 1 },
    })
  })

  test('late is what arrives after its bucket of the spec’s zone, and more than latenessMs after', async () => {
    const input = await createTable()
    const late = async (timeZone: string, latenessMs: number): Promise<number | undefined> =>
      (await fetchExposureLedger(client, exposureSpec({ ...input, timeZone }), window, { latenessMs }))
        .lateness?.lateEvents
    expect(await late('UTC', 0)).toBe(1)
    expect(await late('UTC', 1)).toBe(0)
    expect(await late('Europe/Madrid', 0)).toBe(0)
  })

  test('a source without an arrival column has no lateness, and one without events no quantiles', async () => {
    const input = await createTable()
    const columns = { environment: null, event: null, ...plain }
    const without = exposureSpec({ ...input, source: { table: 't', columns: { ...columns, arrival: null } } })
    expect((await fetchExposureLedger(client, without, window)).lateness).toBeNull()
    const nothing = await fetchExposureLedger(client, exposureSpec({ ...input, featureName: 'none' }), window)
    expect(nothing).toMatchObject({ scanned: 0, exposuresByVariant: {}, unconfigured: null })
    expect(nothing.lateness).toEqual({
      events: 0,
      lateEvents: 0,
      p50Seconds: null,
      p90Seconds: null,
      p99Seconds: null,
      maxSeconds: null,
    })
  })

  test('arrivals at the ends of what a DateTime64 holds are early and late', async () => {
    const input = await createTable()
    await client.command({
      query: `INSERT INTO t VALUES ('f', '2026-06-01 10:00:00', 'x', 'a', '1900-01-01 00:00:00'),
        ('f', '2026-06-01 10:00:00', 'y', 'a', '2299-12-31 00:00:00')`,
    })
    for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      const { lateness } = await fetchExposureLedger(client, exposureSpec({ ...input, timeZone }), window)
      expect(lateness?.lateEvents).toBe(1)
    }
  })

  test('an answer of more than maxRows rows is refused, not cut', async () => {
    const spec = exposureSpec({ ...(await createTable()), maxRows: 1 })
    await expect(fetchExposureLedger(client, spec, window)).rejects.toMatchObject({
      code: 'too-many-buckets',
    })
    await expect(fetchIdentityTimeline(client, spec, window, 'user-2')).rejects.toMatchObject({
      code: 'too-many-buckets',
    })
  })
})
