import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  flagsmithEvents,
  type ExposureSourceInput,
  type ExposureSpec,
} from 'first-exposure'
import { fetchOverlap, fetchOverlaps } from 'first-exposure/clickhouse'
import { rolledUp } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Asked, ExposureEvent } from '../../arbitraries/exposure-events.js'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { severalExperiments } from '../../arbitraries/several-experiments.js'
import { engineAvailable } from '../../engine/availability.js'
import { clickHouseTime, createEventsTable, replaceEvents } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { run, schemaOf } from '../../rollup/rollup-of-events.js'
import { referenceOverlap, referenceVariants } from '../../reference-overlap.js'

const policies = fc.array(fc.constantFrom('quarantine', 'first-seen'), { minLength: 5, maxLength: 5 })
const identityKeys = fc.constantFrom('hash', 'exact')

describe.skipIf(!engineAvailable)('the overlap of experiments', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
    await client.command({
      query: `CREATE TABLE seen (env String, kind String, experiment FixedString(64), at DateTime64(6, 'Asia/Kathmandu'),
        overlap_identities LowCardinality(Nullable(String)), codes Nullable(String)) ENGINE = Memory`,
    })
  })
  afterAll(async () => await client.close())

  // Another table: other names, two of which are those of the statement's own steps, and other types.
  const seen: ExposureSourceInput = {
    table: 'seen',
    columns: {
      environment: 'env',
      event: 'kind',
      feature: 'experiment',
      timestamp: 'at',
      identity: 'overlap_identities',
      variant: 'codes',
    },
  }
  const replaceSeen = async (events: readonly ExposureEvent[]): Promise<void> => {
    await client.command({ query: 'TRUNCATE TABLE seen' })
    if (events.length === 0) return
    await client.insert({
      table: 'seen',
      format: 'JSONEachRow',
      values: events.map((e) => ({
        env: e.environment,
        kind: e.event,
        experiment: e.feature,
        at: clickHouseTime(e.timestampMs + 345 * 60_000),
        overlap_identities: e.identity,
        codes: e.variant,
      })),
    })
  }
  const specOf = (
    { environment, event, feature }: Asked,
    multiVariant: string | undefined,
    identityKey = 'hash',
    source?: ExposureSourceInput,
  ): ExposureSpec =>
    exposureSpec({
      environmentKey: environment,
      eventName: event,
      featureName: feature,
      multiVariant: multiVariant as ExposureSpec['multiVariant'],
      identityKey: identityKey as ExposureSpec['identityKey'],
      ...(source === undefined ? {} : { source }),
    })
  const windowOf = ([first]: readonly Asked[]): ReturnType<typeof exposureWindow> =>
    exposureWindow(first?.startMs ?? 0, first?.asOfMs ?? 0)

  test(
    'is the reference model’s for each pair, with any policies and both identity keys',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          severalExperiments(5),
          policies,
          identityKeys,
          async ({ questions, events }, policy, identityKey) => {
            await replaceEvents(client, events)
            const specs = questions.map((question, index) => specOf(question, policy[index], identityKey))
            const variants = questions.map((question, index) =>
              referenceVariants(events, question, policy[index] ?? ''),
            )
            const expected = variants.flatMap((one, place) =>
              variants.slice(place + 1).map((other, after) => ({
                one: place,
                other: place + 1 + after,
                overlap: referenceOverlap(one, other),
              })),
            )
            expect(await fetchOverlaps(client, specs, windowOf(questions))).toEqual(expected)
          },
        ),
        { numRuns: runs(50) },
      )
    },
    timeFor(300_000),
  )

  test(
    'is the join of the two relations of exposed identities, for two tables too',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          severalExperiments(2),
          policies,
          identityKeys,
          fc.boolean(),
          async ({ questions, events }, policy, identityKey, inTwoTables) => {
            await replaceEvents(client, events)
            await replaceSeen(inTwoTables ? events : [])
            const [one, other] = questions as [Asked, Asked]
            const specs = [
              specOf(one, policy[0], identityKey),
              specOf(other, policy[1], 'hash', inTwoTables ? seen : undefined),
            ] as const
            const window = windowOf(questions)
            const [first, second] = [
              exposedIdentitiesQuery(specs[0], window, { prefix: 'one_' }),
              exposedIdentitiesQuery(specs[1], window, { prefix: 'other_' }),
            ]
            const joined = await client.query({
              query: `SELECT a.variant AS oneVariant, b.variant AS otherVariant, count() AS identities
              FROM (${first.query}) AS a INNER JOIN (${second.query}) AS b ON toString(a.identity) = toString(b.identity)
              GROUP BY oneVariant, otherVariant`,
              query_params: { ...first.query_params, ...second.query_params },
              format: 'JSONEachRow',
            })
            const sorted = (rows: readonly object[]): readonly string[] =>
              rows.map((row) => JSON.stringify(row)).sort()
            const pairs = (await joined.json<{ identities: number | string }>()).map((row) => ({
              ...row,
              identities: Number(row.identities),
            }))
            const overlap = await fetchOverlap(client, specs[0], specs[1], window)
            expect(sorted(overlap.pairs)).toEqual(sorted(pairs))
            expect(overlap).toEqual(
              referenceOverlap(
                referenceVariants(events, one, policy[0] ?? ''),
                referenceVariants(events, other, policy[1] ?? ''),
              ),
            )
          },
        ),
        { numRuns: runs(50) },
      )
    },
    timeFor(300_000),
  )

  test(
    'is the same through a rollup of one of them, or of both',
    async () => {
      const event = '$flag_exposure'
      await createEventsTable(client, 'events')
      const source = flagsmithEvents()
      await run(client, schemaOf(event, source).create)
      await fc.assert(
        fc.asyncProperty(
          severalExperiments(2),
          policies,
          identityKeys,
          fc.boolean(),
          async ({ questions, events }, policy, identityKey, both) => {
            await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
            await replaceEvents(
              client,
              events.map((e) => ({ ...e, event: e.event === questions[0]?.event ? event : 'other' })),
            )
            const specs = questions.map((question, index) =>
              specOf({ ...question, event }, policy[index], identityKey),
            )
            const rolled = specs.map((spec, index) =>
              index === 0 || both
                ? exposureSpec({ ...spec, source: rolledUp(source, 'exposures_by_identity') })
                : spec,
            )
            expect(await fetchOverlaps(client, rolled, windowOf(questions))).toEqual(
              await fetchOverlaps(client, specs, windowOf(questions)),
            )
          },
        ),
        { numRuns: runs(30) },
      )
    },
    timeFor(300_000),
  )

  test('compares identities by their text, whatever the types of their columns', async () => {
    const at = "toDateTime('2026-06-02 00:00:00', 'UTC')"
    const uuid = '4e7c0000-0000-4000-8000-00000000000'
    const sourceOf = async (table: string, type: string, ids: readonly string[]): Promise<ExposureSpec> => {
      await client.command({
        query: `CREATE TABLE ${table} ENGINE = Memory AS
          SELECT 'f' AS feature, ${at} AS at, CAST(arrayJoin({ids:Array(String)}), '${type}') AS id, 'v' AS arm`,
        query_params: { ids: [...ids] },
      })
      const columns = { environment: null, event: null, feature: 'feature', timestamp: 'at', identity: 'id' }
      return exposureSpec({ featureName: 'f', source: { table, columns: { ...columns, variant: 'arm' } } })
    }
    const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
    const numbers = await sourceOf('numbered', 'UInt32', ['7', '8', '9'])
    const texts = await sourceOf('written', 'LowCardinality(String)', ['7', '08', '9', `${uuid}1`])
    const uuids = await sourceOf('identified', 'UUID', [`${uuid}1`, `${uuid}2`])
    const overlaps = await fetchOverlaps(client, [numbers, texts, uuids], window)
    expect(overlaps.map(({ one, other, overlap }) => [one, other, overlap.identities])).toEqual([
      [0, 1, 2],
      [0, 2, 0],
      [1, 2, 1],
    ])
  })

  test(
    'the order of the two experiments only turns the matrix',
    async () => {
      await fc.assert(
        fc.asyncProperty(severalExperiments(2), policies, async ({ questions, events }, policy) => {
          await replaceEvents(client, events)
          const [one, other] = questions.map((question, index) => specOf(question, policy[index]))
          if (one === undefined || other === undefined) return
          const there = await fetchOverlap(client, one, other, windowOf(questions))
          const back = await fetchOverlap(client, other, one, windowOf(questions))
          expect({ ...back, onlyInOne: there.onlyInOne, onlyInOther: there.onlyInOther, pairs: [] }).toEqual({
            ...there,
            pairs: [],
          })
          expect([back.onlyInOther, back.onlyInOne]).toEqual([there.onlyInOne, there.onlyInOther])
          const turned = back.pairs.map((p) => ({
            ...p,
            oneVariant: p.otherVariant,
            otherVariant: p.oneVariant,
          }))
          expect(turned).toHaveLength(there.pairs.length)
          expect(there.pairs).toEqual(expect.arrayContaining(turned))
        }),
        { numRuns: runs(30) },
      )
    },
    timeFor(300_000),
  )
})
