import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import type { HostExperiment } from './experiments.js'

const dayMs = 86_400_000

/** A ClickHouse inside this process. Its data is in a temporary directory that is removed at the end. */
export interface EmbeddedClickHouse {
  readonly client: ClickHouseClient
  close(): Promise<void>
}

/** Starts the engine and generates the exposures of the experiments, including those of the next day, which later refreshes find. */
export async function embeddedClickHouse(
  experiments: readonly HostExperiment[],
  nowMs: number,
): Promise<EmbeddedClickHouse> {
  const { createChdbConnection } = await import('chdb/connection')
  const directory = mkdtempSync(join(tmpdir(), 'first-exposure-host-'))
  const client = createClient({
    // The connection's type lags behind the client's; at run time they fit.
    connection: createChdbConnection({ path: directory }) as never,
    log: { level: ClickHouseLogLevel.OFF },
  })
  const close = async (): Promise<void> => {
    await client.close()
    // Retry, because the engine's background threads may still be writing.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  try {
    await generateExposures(client, experiments, nowMs)
  } catch (error) {
    await close()
    throw error
  }
  return { client, close }
}

async function generateExposures(
  client: ClickHouseClient,
  experiments: readonly HostExperiment[],
  nowMs: number,
): Promise<void> {
  await client.command({
    query: `CREATE TABLE events
      (
        environment_key LowCardinality(String),
        event LowCardinality(String),
        feature_name LowCardinality(String),
        timestamp DateTime64(3),
        collected_at DateTime64(3),
        identifier String,
        value String
      )
      ENGINE = MergeTree
      PARTITION BY toYYYYMMDD(timestamp)
      ORDER BY (environment_key, event, feature_name, timestamp, identifier)`,
  })
  for (const { spec, experiment, expectedShares } of experiments) {
    const startedAt = experiment.startedAt
    const until = experiment.endedAt ?? Math.max(startedAt, nowMs) + dayMs
    // Each visitor comes at some time, and half of them come again within two days. One in a hundred is then served
    // another variant. Hashes take the place of random numbers, so the data is the same on every run and every machine.
    await client.command({
      query: `INSERT INTO events
        WITH
          (who, what) -> (cityHash64(who, what, {feature:String}) % 1000000) / 1000000 AS chance,
          CAST({variants:Array(String)}, 'Array(String)') AS variants,
          arrayCumSum({shares:Array(Float64)}) AS shares_up_to,
          (drawn) -> variants[arrayFirstIndex(up_to -> up_to > drawn, shares_up_to)] AS variant_of
        SELECT
          {environment:String},
          '$flag_exposure',
          {feature:String},
          fromUnixTimestamp64Milli({startedAt:Int64} + toInt64(chance(number, 'time') * {lastsMs:Int64}) + visit * toInt64(chance(number, 'pause') * 172800000)) AS happened_at,
          happened_at + toIntervalMinute(10),
          lower(hex(cityHash64(number, {feature:String}))),
          variant_of(chance(if(visit = 1 AND chance(number, 'devices') < 0.02, number + 1, number), 'variant'))
        FROM numbers({visitors:UInt64})
        ARRAY JOIN if(chance(number, 'visits') < 0.5, [0, 1], [0]) AS visit`,
      query_params: {
        environment: spec.environmentKey,
        feature: spec.featureName,
        startedAt,
        lastsMs: until - startedAt,
        variants: Object.keys(expectedShares),
        shares: Object.values(expectedShares),
        visitors: 40_000,
      },
    })
  }
}
