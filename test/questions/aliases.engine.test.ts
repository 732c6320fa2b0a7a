import { createClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeExposedIdentityRows,
  exposedIdentitiesQuery,
  exposureSpec,
  exposureWindow,
  type ExposureSourceInput,
} from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresSummary,
  fetchIdentityTimeline,
} from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aliasesOf, createAliasesTable, replaceAliases } from '../arbitraries/aliases.js'
import { questionWithEvents } from '../arbitraries/exposure-events.js'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { startCluster, type EngineCluster } from '../engine/cluster.js'
import { createEventsTable, replaceEvents } from '../engine/events-table.js'
import { resolvedEvents, resolver } from '../reference-aliases.js'
import { referenceCrossovers, referenceIdentities, referenceSummary } from '../reference-model.js'

const shards = 3

describe.skipIf(!engineAvailable)('aliases on a cluster of three shards', () => {
  let cluster: EngineCluster
  let sources: readonly ExposureSourceInput[]
  beforeAll(async () => {
    cluster = await startCluster(shards)
    for (const client of cluster.clients) await createEventsTable(client)
    // The initiator alone has the table of aliases; all of them have a part of the other one.
    await createAliasesTable(cluster.initiator)
    for (const client of cluster.clients) await createAliasesTable(client, undefined, 'alias_parts')
    for (const [name, table] of [
      ['all_events', 'events'],
      ['all_aliases', 'alias_parts'],
    ])
      await cluster.initiator.command({
        query: `CREATE TABLE ${name} AS ${table} ENGINE = Distributed('${cluster.name}', 'exposures', '${table}')`,
      })
    const table = { database: 'exposures', table: 'events' }
    sources = [
      { table: 'all_events' },
      { table, cluster: cluster.name },
      { table, cluster: cluster.name, shardedByIdentity: true },
    ]
  }, 120_000)
  afterAll(async () => {
    await cluster.stop()
  })

  test('every form answers as the reference model, wherever the identifiers are, for a readonly = 1 user', async () => {
    const reader = createClient({
      url: cluster.servers[0]?.url ?? '',
      username: 'reader',
      database: 'exposures',
    })
    const asking = questionWithEvents.chain(({ question, events }) =>
      fc.record({
        question: fc.constant(question),
        events: fc.constant(events),
        aliases: aliasesOf(events),
        multiVariant: fc.constantFrom('quarantine' as const, 'first-seen' as const),
        identityKey: fc.constantFrom('hash' as const, 'exact' as const),
        partitions: fc.constantFrom(1, 2),
        table: fc.constantFrom('aliases', 'all_aliases'),
      }),
    )
    try {
      await fc.assert(
        fc.asyncProperty(asking, async ({ question, events, aliases, multiVariant, identityKey, ...how }) => {
          const shardOf = (identity: string | null): number => [...(identity ?? '')].length % shards
          for (const [shard, client] of cluster.clients.entries()) {
            await replaceEvents(
              client,
              events.filter(({ identity }) => shardOf(identity) === shard),
            )
            await replaceAliases(
              client,
              aliases.filter((_, index) => index % shards === shard),
              'alias_parts',
            )
          }
          await replaceAliases(cluster.initiator, aliases)
          const window = exposureWindow(question.startMs, question.asOfMs)
          const resolved = resolvedEvents(events, aliases)
          const identities = referenceIdentities(resolved, question)
          for (const source of sources) {
            const spec = exposureSpec({
              environmentKey: question.environment,
              eventName: question.event,
              featureName: question.feature,
              multiVariant,
              identityKey,
              source,
              aliases: { table: how.table, from: 'anonymous', to: 'person' },
            })
            const summary = referenceSummary(resolved, question, multiVariant)
            const options = { partitions: how.partitions }
            expect(await fetchExposuresSummary(reader, spec, window, options)).toEqual(summary)
            expect(await fetchCrossovers(reader, spec, window)).toEqual(
              referenceCrossovers(resolved, question),
            )
            expect((await fetchExposureLedger(reader, spec, window)).excludedIdentities).toBe(
              (summary as { excludedIdentities: number }).excludedIdentities,
            )
            const rows = await (await reader.query(exposedIdentitiesQuery(spec, window))).json<object>()
            const who = decodeExposedIdentityRows(rows).map(({ identity }) => identity)
            expect(new Set(who)).toEqual(new Set(identities.map(({ identity }) => identity)))
            expect(who).toHaveLength(identities.length)
            const [first] = events
            if (first === undefined) continue
            const story = await fetchIdentityTimeline(reader, spec, window, first.identity ?? '')
            const of = (id: string | null): string => (id === null || id === '' ? '' : resolver(aliases)(id))
            expect(story.scanned).toBe(
              resolved.filter(
                (e) =>
                  e.environment === question.environment &&
                  e.event === question.event &&
                  e.feature === question.feature &&
                  e.identity === of(first.identity),
              ).length,
            )
          }
        }),
        { numRuns: runs(15) },
      )
    } finally {
      await reader.close()
    }
  }, 600_000)
})
