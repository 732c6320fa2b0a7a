import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { exposureSpec, exposureWindow, type BatchExperiment, type ExposuresSummary } from 'first-exposure'
import { fetchExposuresSummaries, fetchExposuresSummary } from 'first-exposure/clickhouse'
import { startServer } from '../test/engine/server.js'
import { median } from './median.js'
import { logged } from './query-memory.js'
import { shapeWindow } from './shape.js'

/** The number of experiments in the tables of this section. */
const batchExperiments = 300

/** One by one is measured on every tenth experiment, and multiplied. */
const sampled = 10

/** Two tables of the same events, by their sorting key. */
const layouts: Readonly<Record<string, string>> = {
  'sorted by time': 'timestamp',
  'Flagsmith’s layout': 'environment_key, event, feature_name, timestamp, identifier',
}

/** In one kind of windows all experiments have the same one; in the other, it starts on any of seven days. */
const kindsOfWindows: Readonly<Record<string, (index: number) => BatchExperiment['window']>> = {
  'one window of 14 days': () => exposureWindow(shapeWindow.startMs, shapeWindow.asOfMs),
  'windows of 7 to 14 days': (index) =>
    exposureWindow(shapeWindow.startMs + (index % 8) * 86_400_000, shapeWindow.asOfMs),
}

/** What many experiments cost the server, by its own log: medians, and the ratios of CPU seconds. */
export interface BatchCost {
  readonly layout: string
  readonly windows: string
  readonly largestAlone: Figures
  readonly together: Figures
  readonly oneByOne: Pick<Figures, 'cpuSeconds'>
}

interface Figures {
  readonly cpuSeconds: number
  readonly peakBytes: number
}

/**
 * Asks about 300 experiments of mixed sizes, together and one by one, and about the largest alone. Throws if the answers
 * differ.
 *
 * @param events - of all experiments together; the n-th has a share in proportion to 1 / n
 */
export async function measureBatch(
  events: number,
  rounds: number,
  step: (title: string) => void,
): Promise<readonly BatchCost[]> {
  step('starting a server')
  const server = await startServer({
    config: '<query_log><database>system</database><table>query_log</table></query_log>',
  })
  const client = createClient({
    url: server.url,
    request_timeout: 3_600_000,
    log: { level: ClickHouseLogLevel.OFF },
  })
  try {
    const found: BatchCost[] = []
    for (const [layout, sortingKey] of Object.entries(layouts)) {
      step(`generating ${events.toLocaleString('en')} events, ${layout}`)
      await makeEvents(client, sortingKey, events)
      for (const [windows, windowOf] of Object.entries(kindsOfWindows)) {
        const experiments = Array.from({ length: batchExperiments }, (_, index): BatchExperiment => ({
          spec: exposureSpec({ environmentKey: 'prod', featureName: `feature-${index}` }),
          window: windowOf(index),
        }))
        const costs = { largestAlone: [] as Figures[], together: [] as Figures[], oneByOne: [] as Figures[] }
        for (let round = 0; round < rounds; round++) {
          const comment = (form: string): string => `${layout} ${windows} ${form} ${round}`
          step(`${layout}, ${windows}`)
          await summaryOf(client, experiments[0] as BatchExperiment, comment('largest'))
          const results = await fetchExposuresSummaries(client, experiments, {
            settings: { log_comment: comment('together') },
          })
          for (let index = 0; index < batchExperiments; index += sampled) {
            const alone = await summaryOf(client, experiments[index] as BatchExperiment, comment('alone'))
            const result = results[index]
            if (result?.type !== 'answered') throw new Error(`An experiment failed: ${String(result?.error)}`)
            if (JSON.stringify(result.summary) !== JSON.stringify(alone)) {
              throw new Error('The answer to an experiment differs from the answer to it alone.')
            }
          }
          costs.largestAlone.push(await logged(client, comment('largest')))
          costs.together.push(await logged(client, comment('together')))
          costs.oneByOne.push(await logged(client, comment('alone')))
        }
        const of = (form: keyof typeof costs): Figures => ({
          cpuSeconds: median(costs[form].map(({ cpuSeconds }) => cpuSeconds)),
          peakBytes: median(costs[form].map(({ peakBytes }) => peakBytes)),
        })
        found.push({
          layout,
          windows,
          largestAlone: of('largestAlone'),
          together: of('together'),
          oneByOne: { cpuSeconds: of('oneByOne').cpuSeconds * sampled },
        })
      }
    }
    return found
  } finally {
    await client.close()
    await server.stop()
  }
}

async function summaryOf(
  client: ClickHouseClient,
  { spec, window }: BatchExperiment,
  comment: string,
): Promise<ExposuresSummary> {
  return await fetchExposuresSummary(client, spec, window, { settings: { log_comment: comment } })
}

/** Four exposures of each identity, at any time of the fourteen days. An identity is in one experiment. */
async function makeEvents(client: ClickHouseClient, sortingKey: string, events: number): Promise<void> {
  await client.command({ query: 'DROP TABLE IF EXISTS events SYNC' })
  await client.command({
    query: `CREATE TABLE events
      (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        timestamp DateTime64(3), identifier String, value String
      )
      ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp) ORDER BY (${sortingKey})`,
  })
  // Shares in proportion to 1 / n, as the inverse of their running sum.
  const all = `log(${batchExperiments + 1})`
  await client.command({
    query: `INSERT INTO events
      WITH
        toUInt32(floor(exp(cityHash64(number, 'feature') / 18446744073709551616. * ${all}))) - 1 AS feature,
        greatest(1, toUInt64(${events} / 4 / ${all} * log((feature + 2) / (feature + 1)))) AS identities,
        cityHash64(number, 'identity') % identities AS visitor
      SELECT
        'prod', '$flag_exposure', concat('feature-', toString(feature)),
        fromUnixTimestamp64Milli(toInt64(${shapeWindow.startMs} + cityHash64(number, 'at') % ${14 * 86_400_000})),
        concat('user-', hex(cityHash64(visitor, feature))),
        concat('variant-', toString((cityHash64(visitor, feature, 'variant') + (cityHash64(number, 'crossover') % 1000 = 0)) % 3))
      FROM numbers(${events})
      SETTINGS max_insert_block_size = 1048576, min_insert_block_size_rows = 4194304, max_memory_usage = 0`,
  })
  await client.command({ query: 'OPTIMIZE TABLE events FINAL' })
}
