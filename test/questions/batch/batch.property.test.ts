import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import {
  decodeBatchRows,
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  selectGranularity,
  summarizeExposures,
  trustedSql,
  type BatchExperiment,
  type ExposureSpecInput,
} from 'first-exposure'
import { fetchExposuresSummaries, fetchExposuresSummary, fetchOverlap } from 'first-exposure/clickhouse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Asked } from '../../arbitraries/exposure-events.js'
import { runs, timeFor } from '../../arbitraries/runs.js'
import { severalExperiments } from '../../arbitraries/several-experiments.js'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable, replaceEvents } from '../../engine/events-table.js'
import { openInProcess } from '../../engine/in-process.js'
import { referenceSummary } from '../../reference-model.js'

const hour = 3_600_000

/** What differs between the experiments of a batch: each window is cut out of the common one, or is longer. */
const ways = fc.array(
  fc.record({
    startsLater: fc.constantFrom(0, 0, 1, 999, hour, 5 * 24 * hour),
    endsLater: fc.constantFrom(0, 0, -1, -hour, 1, 100 * 24 * hour),
    multiVariant: fc.constantFrom('quarantine' as const, 'first-seen' as const),
    timeZone: fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/St_Johns', 'Africa/Cairo'),
  }),
  { minLength: 6, maxLength: 6 },
)
type Way = typeof ways extends fc.Arbitrary<readonly (infer Each)[]> ? Each : never

describe.skipIf(!engineAvailable)(
  '12. the answer for each of many experiments is the answer to it alone',
  () => {
    let client: ClickHouseClient
    let statements = 0
    beforeAll(async () => {
      client = openInProcess()
      await createEventsTable(client, 'events', 'Memory')
    })
    afterAll(async () => await client.close())

    const experimentOf = (
      { environment, event, feature, startMs, asOfMs }: Asked,
      { startsLater, endsLater, multiVariant, timeZone }: Way,
      input: Partial<ExposureSpecInput> = {},
    ): BatchExperiment => {
      const start = Math.min(startMs + startsLater, asOfMs - 1)
      return {
        spec: exposureSpec({
          environmentKey: environment,
          eventName: event,
          featureName: feature,
          multiVariant,
          timeZone,
          ...input,
        }),
        window: exposureWindow(start, new Date(Math.max(start + 1, asOfMs + endsLater))),
      }
    }
    const counting = {
      query: async (asked: Parameters<ClickHouseClient['query']>[0]) => {
        statements++
        return await client.query(asked)
      },
    }
    const alone = async (experiments: readonly BatchExperiment[]): Promise<readonly unknown[]> => {
      const results: unknown[] = []
      for (const { spec, window } of experiments) {
        results.push({ type: 'answered', summary: await fetchExposuresSummary(client, spec, window) })
      }
      return results
    }

    test(
      'with any windows, zones and policies',
      async () => {
        await fc.assert(
          fc.asyncProperty(
            severalExperiments(6),
            ways,
            fc.constantFrom('hash' as const, 'exact' as const),
            async ({ questions, events }, way, identityKey) => {
              await replaceEvents(client, events)
              const experiments = questions.map((question, index) =>
                experimentOf(question, way[index] as Way, { identityKey }),
              )
              statements = 0
              expect(await fetchExposuresSummaries(counting as never, experiments)).toEqual(
                await alone(experiments),
              )
              expect(statements).toBeLessThanOrEqual(
                new Set(experiments.map(({ window }) => JSON.stringify(window))).size,
              )
            },
          ),
          { numRuns: runs(30) },
        )
      },
      timeFor(300_000),
    )

    test(
      'and is the reference model’s',
      async () => {
        await fc.assert(
          fc.asyncProperty(severalExperiments(6), ways, async ({ questions, events }, way) => {
            await replaceEvents(client, events)
            const experiments = questions.map((question, index) =>
              experimentOf(question, { ...(way[index] as Way), timeZone: 'UTC' }),
            )
            const rows = await (await client.query(firstExposuresBatchQuery(experiments))).json()
            const buckets = decodeBatchRows(rows)
            for (const [index, { spec, window }] of experiments.entries()) {
              const own = buckets.filter(({ experiment }) => experiment === index)
              expect(summarizeExposures(own, { granularity: selectGranularity(window) })).toEqual(
                referenceSummary(events, { ...(questions[index] as Asked), ...window }, spec.multiVariant),
              )
            }
          }),
          { numRuns: runs(30) },
        )
      },
      timeFor(300_000),
    )

    test(
      'in groups, and of experiments that share no pass',
      async () => {
        await fc.assert(
          fc.asyncProperty(
            severalExperiments(3),
            ways,
            fc.integer({ min: 1, max: 3 }),
            fc.integer({ min: 1, max: 3 }),
            async ({ questions, events }, way, groupSize, concurrency) => {
              await replaceEvents(client, events)
              const experiments = questions.flatMap((question, index) => {
                const own = way[index] as Way
                return [
                  experimentOf(question, own),
                  // The same feature again, with another policy, other filters, another environment or another identity key.
                  experimentOf(question, { ...own, multiVariant: 'first-seen', startsLater: 1 }),
                  experimentOf(question, own, { filters: [{ column: 'sdk_language', notIn: ['js'] }] }),
                  experimentOf({ ...question, environment: 'another' }, own),
                  experimentOf(question, own, { identityKey: 'exact' }),
                ]
              })
              expect(await fetchExposuresSummaries(client, experiments, { groupSize, concurrency })).toEqual(
                await alone(experiments),
              )
            },
          ),
          { numRuns: runs(8) },
        )
      },
      timeFor(300_000),
    )

    test('with a feature of a type whose text is padded, or that is not text', async () => {
      const of = async (table: string, type: string, names: readonly string[]): Promise<void> => {
        await client.command({
          query: `CREATE TABLE ${table} ENGINE = Memory AS
          SELECT CAST(arrayJoin({names:Array(String)}), '${type}') AS feature,
            toDateTime('2026-06-02 00:00:00', 'UTC') AS at, number AS id, 'v' AS arm FROM numbers(3)`,
          query_params: { names: [...names] },
        })
        const columns = {
          environment: null,
          event: null,
          feature: 'feature',
          timestamp: 'at',
          identity: 'id',
        }
        const source = { table, columns: { ...columns, variant: 'arm' } }
        const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
        const experiments = [...names, names[0] === '7' ? '8' : 'absent'].map((featureName) => ({
          spec: exposureSpec({ featureName, source }),
          window,
        }))
        expect(await fetchExposuresSummaries(client, experiments)).toEqual(await alone(experiments))
      }
      await of('padded', 'FixedString(9)', ['a', 'abc'])
      await of('several', 'LowCardinality(Nullable(String))', ['a', 'abc'])
      await of('whole', 'UInt8', ['7', '9'])
      // A SELECT as the table.
      const columns = { environment: null, event: null, feature: 'feature', timestamp: 'at', identity: 'id' }
      const source = {
        table: trustedSql`SELECT * FROM several WHERE id < ${2}`,
        columns: { ...columns, variant: 'arm' },
      }
      const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
      const experiments = ['a', 'abc'].map((featureName) => ({
        spec: exposureSpec({ featureName, source }),
        window,
      }))
      expect(await fetchExposuresSummaries(client, experiments)).toEqual(await alone(experiments))
      const [one, other] = experiments as [BatchExperiment, BatchExperiment]
      expect(await fetchOverlap(client, one.spec, other.spec, window)).toMatchObject({ identities: 2 })
    })
  },
)
