import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  exposureSpec,
  exposureWindow,
  trustedSql,
  type ExposureFilter,
  type ExposureSourceInput,
} from 'first-exposure'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { run } from '../../rollup/rollup-of-events.js'
import { crowdedQuestion, expectAgreement, insertInTwoBatches } from './who-and-how-many.js'

const plain: ExposureSourceInput = { table: 'events' }
// Of one table of events there is one rollup here, so it must hold all events, whatever the name that is asked for.
const ofAnyEvent: ExposureSourceInput = { ...plain, columns: { event: null } }

/** Every way in which a table is read, and the filters that it may have. */
const sources: readonly { readonly source: ExposureSourceInput; readonly filtered: boolean }[] = [
  { source: plain, filtered: true },
  { source: { ...plain, final: true }, filtered: true },
  { source: { table: 'viewed_events' }, filtered: true },
  { source: { table: trustedSql`SELECT * FROM events WHERE sdk_language != ${'go'}` }, filtered: true },
  {
    source: {
      ...plain,
      columns: {
        identity: trustedSql`if(identifier = ${'a'}, '', concat('u-', identifier))`,
        variant: trustedSql`upper(value)`,
        timestamp: trustedSql`addSeconds(timestamp, ${30})`,
      },
    },
    filtered: true,
  },
  { source: rolledUp(ofAnyEvent, 'exposures_by_identity'), filtered: false },
]
const filters = fc.subarray<ExposureFilter>([
  { column: 'sdk_language', in: ['js', 'java'] },
  { column: 'timestamp', atLeast: new Date('2022-01-01T00:00:00Z') },
  trustedSql`NOT startsWith(value, ${'c'}) OR sdk_language = 'js'`,
])
const counting = fc.record({
  ways: fc.constantFrom(...sources),
  filters,
  multiVariant: fc.constantFrom('quarantine', 'first-seen'),
  identityKey: fc.constantFrom('hash', 'exact'),
  timeZone: fc.constantFrom('UTC', 'America/St_Johns', 'Asia/Kathmandu', 'Africa/Cairo', 'Pacific/Apia'),
  serverZone: fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata', 'Pacific/Kiritimati'),
  dimensions: fc.subarray(['sdk_language', trustedSql`nullIf(length(value), ${1})`]),
  partition: fc.option(
    fc.integer({ min: 1, max: 3 }).chain((of) => fc.record({ of: fc.constant(of), index: fc.nat(of - 1) })),
    { nil: undefined },
  ),
})

describe.skipIf(!engineAvailable)('10. who and how many agree', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await client.command({ query: 'CREATE DATABASE who' })
    await client.command({ query: 'USE who' })
    // Of two exposures to one variant at one instant, the table keeps one once it is read with FINAL. The variant is in
    // the key: a table that replaced one variant by another would do so at an insert, and its rollup has seen both.
    await createEventsTable(
      client,
      'events',
      `ReplacingMergeTree ORDER BY (environment_key, event, feature_name, timestamp, identifier, value)
        SETTINGS allow_nullable_key = 1`,
      'DateTime64(3)',
    )
    // A merge between two questions would do the same to those without FINAL.
    await client.command({ query: 'SYSTEM STOP MERGES events' })
    await client.command({ query: 'CREATE VIEW viewed_events AS SELECT * FROM events' })
    await run(client, rollupSchema({ source: ofAnyEvent, rollup: 'exposures_by_identity' }).create)
  })
  afterAll(async () => await client.close())

  test(
    'counted by bucket and variant, the exposed identities are the summary',
    async () => {
      const counted = { identities: 0, excluded: 0 }
      await fc.assert(
        fc.asyncProperty(crowdedQuestion, counting, async ({ question, events }, how) => {
          const { ways, filters, serverZone, dimensions, partition, ...policies } = how
          const { source, filtered } = ways
          await client.command({ query: 'TRUNCATE TABLE events' })
          await client.command({ query: 'TRUNCATE TABLE exposures_by_identity' })
          await insertInTwoBatches(client, events)
          const spec = exposureSpec({
            environmentKey: question.environment,
            ...(source.columns?.event === null ? {} : { eventName: [question.event, 'other'] }),
            featureName: question.feature,
            source,
            filters: filtered ? filters : [],
            ...policies,
            // A rollup keeps the hash, and a part of the hashes is not a part of the identifiers.
            ...(partition === undefined ? {} : { identityKey: 'exact' }),
          })
          const window = exposureWindow(question.startMs, question.asOfMs)
          const options = { dimensions, ...(partition === undefined ? {} : { partition }) }
          const summary = await expectAgreement(client, spec, window, options, {
            session_timezone: serverZone,
          })
          counted.excluded += summary.excludedIdentities
          counted.identities += summary.timeseries.points.length
        }),
        { numRuns: runs(50) },
      )
      expect(counted.identities).toBeGreaterThan(20)
      expect(counted.excluded).toBeGreaterThan(5)
    },
    timeFor(300_000),
  )
})
