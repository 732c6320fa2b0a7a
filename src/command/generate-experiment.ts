import { exposureSpec, type ExposureSpec } from '../index.js'
import type { ReportArguments } from './arguments.js'
import type { EmbeddedClickHouse } from './embedded-clickhouse.js'
import type { Experiment } from './experiment.js'
import { count } from './words.js'

const identities = 320_000
const days = 14

/**
 * Generates an experiment that looks like a real one, in the default table of events. Half of the visitors are in
 * control, and a quarter in each of two new designs. Many come on the first days and fewer later, and few at night and
 * at weekends. Visitors return, some events are delivered twice or a day late, and some visitors see two designs. There
 * are also events of other features, environments and kinds. Hashes take the place of random numbers, so the result is
 * the same on every run and every machine.
 */
export async function generateExperiment(
  engine: EmbeddedClickHouse,
  { feature, timeZone, policy }: Pick<ReportArguments, 'feature' | 'timeZone' | 'policy'>,
): Promise<Experiment> {
  const { client } = engine
  const spec: ExposureSpec = exposureSpec({
    environmentKey: 'production',
    featureName: feature ?? 'checkout-button',
    timeZone,
    multiVariant: policy,
  })
  await client.command({
    query: `CREATE TABLE events
      (
        environment_key LowCardinality(String),
        event LowCardinality(String),
        feature_name LowCardinality(String),
        timestamp DateTime64(3),
        collected_at DateTime64(3),
        identifier String,
        value String,
        sdk_language LowCardinality(String)
      )
      ENGINE = MergeTree
      PARTITION BY toYYYYMMDD(timestamp)
      ORDER BY (environment_key, event, feature_name, timestamp, identifier)`,
  })
  await engine.run(
    'Generating an experiment',
    { rows: identities },
    {
      query: `INSERT INTO events
        WITH
          -- How likely a visitor is to come on each day and at each hour of it, as cumulative shares.
          arrayMap(day -> (exp(-day / 4) + 0.22) * if(day % 7 >= 5, 0.7, 1), range({days:UInt8})) AS day_weights,
          arrayMap(sum -> sum / arraySum(day_weights), arrayCumSum(day_weights)) AS days_up_to,
          arrayMap(hour -> 1.05 + sin((hour - 9) * pi() / 12), range(24)) AS hour_weights,
          arrayMap(sum -> sum / arraySum(hour_weights), arrayCumSum(hour_weights)) AS hours_up_to,
          (who, what, visit) -> (cityHash64(who, what, visit) % 1000000) / 1000000 AS chance,
          visitors AS (
            SELECT
              number AS visitor,
              arrayFirstIndex(up_to -> up_to > chance(visitor, 'first day', 0), days_up_to) - 1 AS first_day,
              multiIf(chance(visitor, 'variant', 0) < 0.5, 'control', chance(visitor, 'variant', 0) < 0.75, 'green', 'orange') AS variant,
              -- About one in a hundred owns another device, which drew a variant of its own.
              chance(visitor, 'devices', 0) < 0.018 AS has_devices,
              range(toUInt64(1 + floor(-3.2 * log(1 - chance(visitor, 'visits', 0))))) AS visits
            FROM numbers({identities:UInt64})
          ),
          visits AS (
            SELECT
              visitor,
              visit,
              if(visit > 0 AND has_devices, ['control', 'green', 'orange'][1 + (visitor + visit) % 3], variant) AS shown,
              first_day + visit * (1 + cityHash64(visitor, 'pause') % 3) AS day,
              arrayFirstIndex(up_to -> up_to > chance(visitor, 'hour', visit), hours_up_to) - 1 AS hour,
              toInt64((day * 24 + hour + chance(visitor, 'minute', visit)) * 3600000) AS offset_ms
            FROM visitors
            ARRAY JOIN visits AS visit
            WHERE day < {days:UInt8}
          )
        SELECT
          if(chance(visitor, 'environment', 0) < 0.02, 'staging', 'production'),
          if(chance(visitor, 'event', visit) < 0.05, 'purchase', '$flag_exposure'),
          if(chance(visitor, 'feature', visit) < 0.04, 'search-ranking', {feature:String}),
          fromUnixTimestamp64Milli(1780272000000 + offset_ms) AS happened_at,
          happened_at + toIntervalSecond(toInt64(if(chance(visitor, 'late', visit) < 0.01, 86400, 600) * chance(visitor, 'delay', visit))) AS arrived_at,
          lower(hex(cityHash64(visitor, 'identifier'))),
          shown,
          transform(toUInt8(10 * chance(visitor, 'platform', 0)), [6, 7, 8, 9], ['swift', 'swift', 'kotlin', 'kotlin'], 'javascript')
        FROM visits
        -- Delivered at least once: three in a hundred come twice.
        ARRAY JOIN if(chance(visitor, 'delivery', visit) < 0.03, [1, 2], [1]) AS delivery
        -- Small steps, so that the visitors read say how far it is.
        SETTINGS max_block_size = 8192`,
      query_params: { days, identities, feature: spec.featureName },
    },
  )
  const result = await client.query({
    query: `SELECT
        count() AS events,
        countIf(NOT (environment_key = {environment:String} AND event = {event:String} AND feature_name = {feature:String})) AS others
      FROM events`,
    query_params: { environment: spec.environmentKey, event: spec.eventName, feature: spec.featureName },
    format: 'JSONEachRow',
  })
  const [row] = await result.json<{ events: string | number; others: string | number }>()
  return {
    client,
    spec,
    origin: `a generated experiment, ${count(Number(row?.events ?? 0))} events`,
    expectedShares: { control: 0.5, green: 0.25, orange: 0.25 },
    scanned: async () =>
      `Scanned: the exposures of ${JSON.stringify(spec.featureName)} in production; ` +
      `${count(Number(row?.others ?? 0))} other events in the table belong to other features, environments or kinds.`,
    nothingFound: async () =>
      'the window does not overlap the generated experiment, which runs from 2026-06-01 to 2026-06-15',
    close: () => engine.close(),
  }
}
