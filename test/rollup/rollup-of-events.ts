import type { ClickHouseClient } from '@clickhouse/client'
import {
  flagsmithEvents,
  type ExposureSourceInput,
  type ExposureSpec,
  type ExposureWindow,
} from 'first-exposure'
import {
  decodeRollupAudit,
  rollupAudit,
  rollupSchema,
  type RollupAuditDay,
  type RollupSchema,
  type RollupStatement,
} from 'first-exposure/rollup'

/** What most of these tests roll up, and where to. */
export function schemaOf(
  eventName = '$flag_exposure',
  source: ExposureSourceInput = flagsmithEvents(),
  ttlDays?: number,
): RollupSchema {
  return rollupSchema({
    source,
    rollup: { table: 'exposures_by_identity', eventName },
    ...(ttlDays === undefined ? {} : { ttlDays }),
  })
}

/** Runs the statements one after another. */
export async function run(client: ClickHouseClient, statements: readonly RollupStatement[]): Promise<void> {
  for (const { query, query_params } of statements) {
    await client.command({ query, query_params: { ...query_params } })
  }
}

/** The days that there is something to backfill of. */
export async function daysToBackfill(client: ClickHouseClient, { days }: RollupSchema): Promise<string[]> {
  const rows = await (await client.query({ ...days, query_params: { ...days.query_params } })).json()
  return (rows as { day: string }[]).map(({ day }) => day)
}

/** Asks the audit and reads its answer. */
export async function audit(
  client: ClickHouseClient,
  spec: ExposureSpec,
  window: ExposureWindow,
  schema: RollupSchema,
): Promise<readonly RollupAuditDay[]> {
  const { query, query_params, format } = rollupAudit(spec, window)
  const result = await client.query({ query, query_params: { ...query_params }, format })
  return decodeRollupAudit(await result.json(), schema)
}
