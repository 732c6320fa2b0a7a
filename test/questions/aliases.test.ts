import type { ClickHouseClient } from '@clickhouse/client'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  trustedSql,
  type ExposureSpec,
  type ExposureSpecInput,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummaries,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  fetchOverlap,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'
import { refusalOf } from '../refusal-of.js'

const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')

describe.skipIf(!engineAvailable)('aliases on the engine', () => {
  let client: ClickHouseClient
  beforeAll(() => {
    client = openInProcess()
  })
  afterAll(async () => {
    await client.close()
  })

  const columns = {
    environment: null,
    event: null,
    feature: 'experiment',
    timestamp: 'at',
    identity: 'id',
    variant: 'arm',
  }
  const table = async (
    name: string,
    structure: string,
    rows: readonly (readonly (string | number | null)[])[],
  ): Promise<void> => {
    await client.command({ query: `CREATE OR REPLACE TABLE ${name} (${structure}) ENGINE = Memory` })
    await client.insert({ table: name, format: 'JSONCompactEachRow', values: rows.map((row) => [...row]) })
  }
  const specOf = (input: Partial<ExposureSpecInput> = {}): ExposureSpec =>
    exposureSpec({
      featureName: 'checkout',
      source: { table: 'exposures', columns },
      aliases: { table: 'aliases', from: 'anonymous', to: 'person' },
      ...input,
    })
  const identitiesOf = async (spec: ExposureSpec): Promise<unknown> => {
    const rows = await (await client.query(exposedIdentitiesQuery(spec, window))).json<object>()
    return decodeExposedIdentityRows(rows)
      .map(({ identity, variant }) => [identity, variant])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  }
  const totals = async (spec: ExposureSpec): Promise<unknown> => {
    const { excludedIdentities, timeseries } = await fetchExposuresSummary(client, spec, window)
    const counted = timeseries.points.flatMap(({ newIdentities }) => Object.entries(newIdentities))
    return { excludedIdentities, ...Object.fromEntries(counted) }
  }
  const exposures = (...rows: readonly (readonly [id: string | number | null, arm: string])[]) =>
    rows.map(([id, arm], index) => ['checkout', `2026-06-01 08:00:0${index}`, id, arm] as const)

  test.each([0, 1] as const)(
    'every declared rule, in every question (allow_experimental_analyzer = %d)',
    async (analyzer) => {
      const settings = { allow_experimental_analyzer: analyzer }
      await table(
        'exposures',
        "experiment String, at DateTime64(3, 'UTC'), id Nullable(String), arm String",
        exposures(
          // An anonymous identifier and its person, who saw another variant.
          ['anon-ann', 'a'],
          ['ann', 'b'],
          // Two anonymous identifiers of one person, who was never exposed by name.
          ['anon-1', 'b'],
          ['anon-2', 'b'],
          // Several targets: not applied. An alias to itself, and rows without an identifier: ignored.
          ['unsure', 'a'],
          ['self', 'a'],
          // A chain: one step.
          ['x', 'a'],
          ['y', 'b'],
          ['', 'a'],
          [null, 'a'],
        ),
      )
      await table('aliases', 'anonymous Nullable(String), person Nullable(String)', [
        ['anon-ann', 'ann'],
        ['anon-ann', 'ann'],
        ['anon-1', 'bob'],
        ['anon-2', 'bob'],
        ['unsure', 'ann'],
        ['unsure', 'bob'],
        ['self', 'self'],
        ['self', ''],
        ['self', null],
        ['', 'ann'],
        [null, 'ann'],
        ['x', 'y'],
        ['y', 'z'],
      ])
      for (const identityKey of analyzer === 0 ? (['hash'] as const) : (['hash', 'exact'] as const)) {
        const spec = specOf({ identityKey, breakdown: { column: trustedSql`'all'` } })
        const summary = await fetchExposuresSummary(client, spec, window, { settings })
        expect(summary).toMatchObject({
          excludedIdentities: 1,
          timeseries: { points: [{ newIdentities: { a: 3, b: 2 } }] },
        })
        const { slices } = await fetchExposuresBreakdown(client, spec, window, { settings })
        expect(slices.map((slice) => slice.summary)).toEqual([summary])
        const { pairs } = await fetchCrossovers(client, spec, window, { settings })
        expect(pairs).toMatchObject([{ firstVariant: 'a', nextVariant: 'b', identities: 1, medianMs: 1000 }])
        const ledger = await fetchExposureLedger(client, spec, window, { settings })
        expect(ledger).toMatchObject({
          scanned: 10,
          countedIdentities: 5,
          excludedIdentities: 1,
          aliases: {
            joinedIdentifiers: 5,
            ambiguousIdentifiers: 1,
            chainedIdentifiers: 1,
            quarantinedByJoining: 1,
          },
        })
      }
      expect(await identitiesOf(specOf())).toEqual([
        ['ann', null],
        ['bob', 'b'],
        ['self', 'a'],
        ['unsure', 'a'],
        ['y', 'a'],
        ['z', 'b'],
      ])
      for (const asked of ['ann', 'anon-ann']) {
        const story = await fetchIdentityTimeline(client, specOf(), window, asked, { settings })
        expect(story).toMatchObject({
          verdict: { type: 'quarantined', variant: 'a', by: 'b' },
          resolved: { identity: 'ann', identifiers: ['ann', 'anon-ann'] },
          events: [{ identifier: 'anon-ann' }, { identifier: 'ann' }],
        })
      }
    },
    240_000,
  )

  const [one, two] = ['61f0c404-5cb3-11e7-907b-a6006ad3dba0', '61f0c404-5cb3-11e7-907b-a6006ad3dba1']
  const nil = '00000000-0000-0000-0000-000000000000'
  test.each<[string, string, [string, string], string, [string | number, string | number], string | null]>([
    ['text in another case stands for a UUID', 'UUID', [one, two], 'String', [one.toUpperCase(), two], two],
    ['the nil UUID is nobody to stand for', 'UUID', [one, two], 'String', [one, nil], null],
    ['a number as text', 'UInt64', ['7', '42'], 'String', ['007', '42'], '42'],
    ['text as a number', 'String', ['7', '42'], 'UInt32', [7, 42], '42'],
    ['of other widths', 'Int64', ['-7', '42'], 'Nullable(Int8)', [-7, 42], '42'],
    [
      'of few values',
      'LowCardinality(Nullable(String))',
      ['x', 'ann'],
      'LowCardinality(String)',
      ['x', 'ann'],
      'ann',
    ],
    ['of a fixed length', 'FixedString(5)', ['x', 'ann'], 'FixedString(4)', ['x', 'ann'], 'ann'],
    ['of a fixed length, and text', 'FixedString(5)', ['x', 'ann'], 'String', ['x', 'ann'], 'ann'],
  ])(
    '%s',
    async (_, type, ids, aliasType, [from, to], resolved) => {
      const [first, second] = ids
      await table(
        'exposures',
        `experiment String, at DateTime64(3, 'UTC'), id ${type}, arm String`,
        exposures([first, 'a'], [second, 'a']),
      )
      await table('aliases', `anonymous ${aliasType}, person ${aliasType}`, [[from, to]])
      for (const [identityKey, analyzer] of [
        ['hash', 0],
        ['exact', 1],
      ] as const) {
        const settings = { allow_experimental_analyzer: analyzer }
        const { timeseries } = await fetchExposuresSummary(client, specOf({ identityKey }), window, {
          settings,
        })
        expect(timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual([
          { a: resolved === null ? 2 : 1 },
        ])
      }
      const rows = await (
        await client.query({
          query: `SELECT identity, toTypeName(identity) AS type FROM (${exposedIdentitiesQuery(specOf(), window).query})`,
          query_params: exposedIdentitiesQuery(specOf(), window).query_params,
          format: 'JSONEachRow',
        })
      ).json<{ identity: unknown; type: string }>()
      const typed = type.replace(/Nullable\((\w+)\)/, '$1')
      expect(rows.map((row) => row.type)).toEqual(rows.map(() => typed))
      expect(rows.map(({ identity }) => String(identity).replaceAll('\0', '')).sort()).toEqual(
        resolved === null ? [first, second] : [resolved],
      )
      const story = await fetchIdentityTimeline(client, specOf(), window, first)
      expect(story.scanned).toBe(resolved === null ? 1 : 2)
    },
    120_000,
  )

  test('text that is no UUID may be stood for; its rows then need an identity that is an expression', async () => {
    await table(
      'exposures',
      "experiment String, at DateTime64(3, 'UTC'), id UUID, arm String",
      exposures([one, 'a'], [two, 'a']),
    )
    await table('aliases', 'anonymous UUID, person String', [
      [one, 'ann'],
      [two, 'ann'],
    ])
    expect(await totals(specOf())).toEqual({ excludedIdentities: 0, a: 1 })
    await expect(identitiesOf(specOf())).rejects.toMatchObject({ type: /CANNOT_PARSE|PARSE/ })
    const source = { table: 'exposures', columns: { ...columns, identity: trustedSql`id` } }
    expect(await identitiesOf(specOf({ source }))).toEqual([['ann', 'a']])
  })

  test.each(['hash', 'exact'] as const)(
    'two experiments share a person whom they know by different identifiers: %s',
    async (identityKey) => {
      await table('exposures', "experiment String, at DateTime64(3, 'UTC'), id String, arm String", [
        ...exposures(['anon', 'a'], ['ben', 'a']),
        ['search', '2026-06-02 08:00:00', 'ann', 'b'],
        ['search', '2026-06-02 08:00:00', 'cyd', 'b'],
      ])
      await table('aliases', 'anonymous String, person String', [['anon', 'ann']])
      const [one, other] = ['checkout', 'search'].map((featureName) => specOf({ featureName, identityKey }))
      if (one === undefined || other === undefined) throw new Error('There are two.')
      const shared = async (first: ExposureSpec, second: ExposureSpec): Promise<number> =>
        (await fetchOverlap(client, first, second, window)).identities
      expect(await shared(one, other)).toBe(1)
      // Each spec applies its own.
      expect(await shared(one, exposureSpec({ ...other, aliases: null }))).toBe(1)
      expect(await shared(exposureSpec({ ...one, aliases: null }), other)).toBe(0)
    },
  )

  test('many experiments at once: those with aliases are asked by themselves', async () => {
    const specs = [specOf(), specOf({ aliases: null }), specOf({ featureName: 'search' })]
    const asked = specs.map((spec) => ({ spec, window }))
    const alone = await Promise.all(
      specs.map(async (spec) => await fetchExposuresSummary(client, spec, window)),
    )
    const answers = await fetchExposuresSummaries(client, asked)
    expect(answers.map((answer) => ('summary' in answer ? answer.summary : answer))).toEqual(alone)
    expect(refusalOf(() => firstExposuresBatchQuery(asked.slice(0, 1)))).toMatchObject({
      code: 'invalid-spec',
      details: { path: 'experiments[0]' },
    })
    expect(refusalOf(() => firstExposuresBatchQuery(asked.slice(1)))).toMatchObject({
      code: 'invalid-spec',
      details: { path: 'experiments[1]' },
    })
  })

  test('columns and tables may have the statement’s own names', async () => {
    const names = [
      ['alias_from', 'alias_to', 'alias_target'],
      ['identity_aliases', 'alias_applied', 'alias_partition'],
      ['identifier', 'identifiers', 'identity_sample'],
      ['identifier_state_1', 'alias_from_text', 'alias_to_text'],
    ] as const
    for (const [index, [at, id, arm]] of names.entries()) {
      const [from, to, other] = names[(index + 1) % names.length] ?? names[0]
      await table(
        id,
        `experiment String, ${at} DateTime64(3, 'UTC'), ${id} String, ${arm} String`,
        exposures(['anon', 'a'], ['ann', 'a']),
      )
      await table(other, `${from} String, ${to} String`, [['anon', 'ann']])
      const source = { table: id, columns: { ...columns, timestamp: at, identity: id, variant: arm } }
      const spec = specOf({ source, aliases: { table: other, from, to }, breakdown: { column: arm } })
      const settings = { allow_experimental_analyzer: index < 2 ? 0 : 1 } as const
      const summary = await fetchExposuresSummary(client, spec, window, { settings, partitions: 2 })
      expect(summary.timeseries.points.map(({ newIdentities }) => newIdentities)).toEqual([{ a: 1 }])
      expect((await fetchCrossovers(client, spec, window, { settings })).identities).toBe(0)
      const ledger = await fetchExposureLedger(client, spec, window, { settings })
      expect(ledger.aliases?.joinedIdentifiers).toBe(1)
      expect((await fetchIdentityTimeline(client, spec, window, 'ann', { settings })).scanned).toBe(2)
      expect(await identitiesOf(spec)).toEqual([['ann', 'a']])
    }
  }, 240_000)

  test.each([0, 1] as const)(
    'dimensions may have the statement’s own names, and so may columns that are not asked about (prefer_column_name_to_alias = %d)',
    async (prefer_column_name_to_alias) => {
      const names = (
        'identifier identifier_state_1 identifiers exposed_identity identities kept_dimension_1 rank_bits ' +
        'first_nano_and_rank alias_from alias_to alias_applied'
      ).split(' ')
      const others = (
        'event_disposition event_variant event_instant event_identifier events_counted identity_resolved ' +
        'identity_story crosser own_rank counted_rank'
      ).split(' ')
      await client.command({
        query: `CREATE OR REPLACE TABLE wide ENGINE = Memory AS SELECT experiment, at, id, arm,
          ${names.map((name) => `concat('${name} of ', id) AS ${name}`).join(', ')},
          ${others.map((name) => `'other' AS ${name}`).join(', ')}
          FROM (SELECT 'checkout' AS experiment, toDateTime64('2026-06-01 08:00:00', 3, 'UTC') + number AS at,
            ['anon', 'ann', 'ben'][number + 1] AS id, 'a' AS arm FROM numbers(3))`,
      })
      await table('aliases', 'anonymous String, person String', [['anon', 'ann']])
      const settings = { prefer_column_name_to_alias }
      const source = { table: 'wide', columns }
      for (const multiVariant of ['quarantine', 'first-seen'] as const) {
        const spec = specOf({ source, multiVariant })
        const query = exposedIdentitiesQuery(spec, window, { dimensions: names })
        const rows = await (await client.query({ ...query, clickhouse_settings: settings })).json<object>()
        const atFirst = decodeExposedIdentityRows(rows).map(({ identity, dimensions }) => [
          identity,
          dimensions,
        ])
        const of = (id: string): object => Object.fromEntries(names.map((name) => [name, `${name} of ${id}`]))
        expect(Object.fromEntries(atFirst)).toEqual({ ann: of('anon'), ben: of('ben') })
        for (const asked of [spec, specOf({ source, multiVariant, aliases: null })]) {
          const ledger = await fetchExposureLedger(client, asked, window, { settings })
          expect(ledger.exposuresByVariant).toEqual({ a: 3 })
          const story = await fetchIdentityTimeline(client, asked, window, 'ann', { settings })
          expect(story.scanned).toBe(asked === spec ? 2 : 1)
        }
      }
      await client.command({ query: 'SET prefer_column_name_to_alias = 0' })
    },
  )

  test('a table that is missing is the client’s own error', async () => {
    const spec = specOf({ aliases: { table: 'nowhere', from: 'a', to: 'b' } })
    await expect(fetchExposuresSummary(client, spec, window)).rejects.toMatchObject({ type: 'UNKNOWN_TABLE' })
  })
})
