import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  type ExposedIdentitiesQueryOptions,
  type ExposedIdentity,
  type ExposureSpec,
  type ExposuresQuery,
} from 'first-exposure'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { questionWithEvents, type Asked } from '../../arbitraries/exposure-events.js'
import { runs } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable, replaceEvents } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { referenceIdentities } from '../../reference-model.js'

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
})
