import * as core from 'first-exposure'
import * as clickhouse from 'first-exposure/clickhouse'
import * as flagsmith from 'first-exposure/flagsmith'
import * as rollup from 'first-exposure/rollup'
import * as panel from 'first-exposure/panel'
import * as view from 'first-exposure/view'
import * as statistics from 'first-exposure/statistics'
import * as stores from 'first-exposure/stores'

/** Every entry point, by the name that it is imported by: what an example may use. */
export const entryPoints: Readonly<Record<string, object>> = {
  'first-exposure': core,
  'first-exposure/clickhouse': clickhouse,
  'first-exposure/view': view,
  'first-exposure/statistics': statistics,
  'first-exposure/panel': panel,
  'first-exposure/flagsmith': flagsmith,
  'first-exposure/rollup': rollup,
  'first-exposure/stores': stores,
}
