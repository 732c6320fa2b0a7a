import type { ClickHouseClient } from '@clickhouse/client'
import {
  decodeBucketRows,
  exposureSpec,
  exposureWindow,
  summarizeExposures,
  type ExposuresSummary,
} from 'first-exposure'
import {
  fetchExposureLedger,
  fetchExposuresSummary,
  type FetchExposuresOptions,
} from 'first-exposure/clickhouse'
import type { Form } from './forms.js'
import { windowOfDays } from './shape.js'

/** Queries a table in one form. Returns the answer that is compared with that of other forms, if it gives one. */
export async function askForm(
  client: ClickHouseClient,
  table: string,
  { asks, days }: Form,
  settings: NonNullable<FetchExposuresOptions['settings']> = {},
): Promise<ExposuresSummary | readonly unknown[] | undefined> {
  const { startMs, asOfMs } = windowOfDays(days)
  if ('statement' in asks) {
    const asked = {
      query: asks.statement,
      query_params: {
        table,
        start: new Date(startMs).toISOString().slice(0, -1),
        as_of: new Date(asOfMs).toISOString().slice(0, -1),
      },
      clickhouse_settings: settings,
    }
    if (asks.gives === 'nothing') {
      await client.command(asked)
      return undefined
    }
    const rows = await (await client.query({ ...asked, format: 'JSONEachRow' })).json()
    return asks.gives === 'rows' ? rows : summarizeExposures(decodeBucketRows(rows), { granularity: 'day' })
  }
  const spec = exposureSpec({
    environmentKey: 'prod',
    featureName: 'checkout',
    source: { table },
    ...('spec' in asks ? asks.spec : {}),
  })
  const window = exposureWindow(startMs, asOfMs)
  if ('ledger' in asks) {
    await fetchExposureLedger(client, spec, window, { settings })
    return undefined
  }
  return await fetchExposuresSummary(client, spec, window, {
    ...asks.options,
    settings: { ...settings, ...asks.options?.settings },
  })
}
