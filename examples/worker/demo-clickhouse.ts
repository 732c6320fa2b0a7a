import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import type { ListedExperiment } from 'first-exposure/clickhouse'

/** A ClickHouse in the memory of this process, with two weeks of generated exposures for each experiment that has started. */
export async function demoClickHouse(experiments: readonly ListedExperiment[]): Promise<ClickHouseClient> {
  const { createChdbConnection } = await import('chdb/connection')
  const client = createClient({
    // The connection's type lags behind the client's; at run time they fit.
    connection: createChdbConnection({ path: ':memory:' }) as never,
    log: { level: ClickHouseLogLevel.OFF },
  })
  await client.command({
    query: `CREATE TABLE events (environment_key String, event String, feature_name String, timestamp DateTime64(3), identifier String, value String)
      ENGINE = MergeTree ORDER BY (environment_key, event, feature_name, timestamp)`,
  })
  for (const { spec, experiment } of experiments) {
    if (experiment.startedAt > Date.now()) continue
    await client.command({
      query: `INSERT INTO events
        SELECT {environment:String}, {event:String}, {feature:String},
          fromUnixTimestamp64Milli({startedAt:Int64} + toInt64(cityHash64(number, 'when') % 1209600000)),
          toString(number % 19990),
          if(cityHash64(number, 'variant') % 2 = 0, 'control', 'treatment')
        FROM numbers(20000)`,
      query_params: {
        environment: spec.environmentKey,
        event: spec.eventName,
        feature: spec.featureName,
        startedAt: experiment.startedAt,
      },
    })
  }
  return client
}
