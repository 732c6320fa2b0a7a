import { createClient } from '@clickhouse/client'
import type { Granularity } from 'first-exposure'

/** Where ClickHouse's own `toStartOfHour` and `toStartOfDay` put instants, all in epoch milliseconds. */
export interface EngineBucketStarts {
  readonly of: (
    instantsMs: readonly number[],
    granularity: Granularity,
    timeZone: string,
  ) => Promise<readonly number[]>
  readonly close: () => Promise<void>
}

/** Opens the embedded ClickHouse, or returns undefined on a platform that has none. */
export async function openEngineBucketStarts(): Promise<EngineBucketStarts | undefined> {
  const chdb = await import('chdb/connection').catch(() => undefined)
  if (chdb === undefined) return undefined
  // The connection's type lags behind the client's.
  const client = createClient({ connection: chdb.createChdbConnection({ path: ':memory:' }) as never })
  const startOf = { hour: 'toStartOfHour', day: 'toStartOfDay' } as const
  return {
    of: async (instantsMs, granularity, timeZone) => {
      const result = await client.query({
        query: `
          SELECT arrayMap(
            second -> toUnixTimestamp(${startOf[granularity]}(toDateTime(second, 'UTC'), {time_zone:String})),
            {seconds:Array(Int64)}
          ) AS starts`,
        query_params: { time_zone: timeZone, seconds: instantsMs.map((ms) => Math.floor(ms / 1000)) },
        format: 'JSONEachRow',
      })
      const [row] = await result.json<{ starts: number[] }>()
      return row?.starts.map((second) => second * 1000) ?? []
    },
    close: () => client.close(),
  }
}
