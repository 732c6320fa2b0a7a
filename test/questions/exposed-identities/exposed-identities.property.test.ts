import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresQuery,
  inlineParameters,
  type ExposedIdentitiesQueryOptions,
  type ExposedIdentity,
  type ExposureSpec,
  type ExposuresQuery,
} from 'first-exposure'
import { fetchExposuresSummary } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents, type Asked } from '../../arbitraries/exposure-events.js'
import { runs } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable, replaceEvents } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { referenceIdentities } from '../../reference-model.js'

const byFirst = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)
const policies = fc.constantFrom('quarantine', 'first-seen')

describe.skipIf(!engineAvailable)('the exposed identities', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
  })
  afterAll(async () => await client.close())

  const specOf = ({ environment, event, feature }: Asked, multiVariant: string): ExposureSpec =>
    exposureSpec({
      environmentKey: environment,
      eventName: event,
      featureName: feature,
      multiVariant: multiVariant as ExposureSpec['multiVariant'],
    })
  const rowsOf = async (query: ExposuresQuery): Promise<readonly object[]> =>
    await (await client.query(query)).json<object>()
  const identitiesOf = async (
    asked: Asked,
    multiVariant: string,
    options?: ExposedIdentitiesQueryOptions,
  ): Promise<readonly ExposedIdentity[]> => {
    const query = exposedIdentitiesQuery(
      specOf(asked, multiVariant),
      exposureWindow(asked.startMs, asked.asOfMs),
      options,
    )
    return inOrder(decodeExposedIdentityRows(await rowsOf(query)))
  }
  const inOrder = (identities: readonly ExposedIdentity[]): readonly ExposedIdentity[] =>
    [...identities].sort((a, b) => (a.identity < b.identity ? -1 : 1))

  test('are the reference model’s, one row for each identity', async () => {
    await fc.assert(
      fc.asyncProperty(questionWithEvents, policies, async ({ question, events }, multiVariant) => {
        await replaceEvents(client, events)
        const expected = referenceIdentities(events, question).map((each): ExposedIdentity => {
          const quarantined = each.multiVariant && multiVariant === 'quarantine'
          return {
            identity: each.identity,
            variant: quarantined ? null : each.firstVariant,
            firstExposure: new Date(each.firstMs).toISOString().replace('Z', '000000Z'),
            quarantined,
            firstVariant: each.firstVariant,
            dimensions: {},
          }
        })
        expect(await identitiesOf(question, multiVariant)).toEqual(inOrder(expected))
      }),
      { numRuns: runs(60) },
    )
  })

  test('10. who and how many agree: counted by bucket and variant, they are the summary', async () => {
    const zones = fc.constantFrom('UTC', 'America/St_Johns', 'Asia/Kathmandu', 'Africa/Cairo')
    await fc.assert(
      fc.asyncProperty(
        questionWithEvents,
        policies,
        zones,
        async ({ question, events }, multiVariant, timeZone) => {
          await replaceEvents(client, events)
          const spec = exposureSpec({ ...specOf(question, multiVariant), timeZone })
          const window = exposureWindow(question.startMs, question.asOfMs)
          const summary = await fetchExposuresSummary(client, spec, window)
          const { granularity } = summary.timeseries
          const { query, query_params } = exposedIdentitiesQuery(spec, window, { prefix: 'who_' })
          const counted = await (
            await client.query({
              query: `
                SELECT
                  toString(toTimeZone(${granularity === 'hour' ? 'toStartOfHour' : 'toStartOfDay'}(toDateTime(first_exposure, 'UTC'), {zone:String})::DateTime, 'UTC')) AS bucket,
                  variant, count() AS identities
                FROM (${query})
                GROUP BY bucket, variant`,
              query_params: { ...query_params, zone: timeZone },
              format: 'JSONEachRow',
            })
          ).json<{ bucket: string; variant: string | null; identities: number | string }>()
          const points = new Map<string, [string, number][]>()
          for (const { bucket, variant, identities } of counted) {
            if (variant === null) continue
            const iso = `${bucket.replace(' ', 'T')}.000Z`
            points.set(iso, [...(points.get(iso) ?? []), [variant, Number(identities)]])
          }
          expect({
            excluded: counted
              .filter(({ variant }) => variant === null)
              .reduce((sum, { identities }) => sum + Number(identities), 0),
            points: [...points].sort(byFirst).map(([bucket, counts]) => [bucket, counts.sort(byFirst)]),
          }).toEqual({
            excluded: summary.excludedIdentities,
            points: summary.timeseries.points.map(({ bucket, newIdentities }) => [
              bucket,
              Object.entries(newIdentities).sort(byFirst),
            ]),
          })
        },
      ),
      { numRuns: runs(60) },
    )
  })

  test('are in one partition each', async () => {
    await fc.assert(
      fc.asyncProperty(
        questionWithEvents,
        policies,
        fc.integer({ min: 1, max: 4 }),
        async ({ question, events }, multiVariant, of) => {
          await replaceEvents(client, events)
          const all: ExposedIdentity[] = []
          for (let index = 0; index < of; index++) {
            all.push(...(await identitiesOf(question, multiVariant, { partition: { index, of } })))
          }
          expect(inOrder(all)).toEqual(await identitiesOf(question, multiVariant))
        },
      ),
      { numRuns: runs(30) },
    )
  })

  test('an inlined statement answers as the bound one, for any strings at all', async () => {
    await fc.assert(
      fc.asyncProperty(questionWithEvents, policies, async ({ question, events }, multiVariant) => {
        await replaceEvents(client, events)
        const spec = specOf(question, multiVariant)
        const window = exposureWindow(question.startMs, question.asOfMs)
        for (const build of [exposedIdentitiesQuery, firstExposuresQuery]) {
          const bound = build(spec, window)
          const inlined = { query: inlineParameters(bound), query_params: {}, format: bound.format }
          const sorted = (rows: readonly object[]): readonly string[] =>
            rows.map((row) => JSON.stringify(row)).sort()
          expect(sorted(await rowsOf(inlined))).toEqual(sorted(await rowsOf(bound)))
        }
      }),
      { numRuns: runs(60) },
    )
  })
})
