import { anObject } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { assertRows, cell, decodeCount } from '../questions/cell.js'
import { isUtcDay } from './is-utc-day.js'
import { onDay, withParameters } from './on-day.js'
import type { RollupSchema } from './rollup-schema.js'
import type { RollupStatement } from './rollup-statement.js'

/** The names of the audit's columns: the SELECT uses them as aliases, and the decoder reads them. */
export const auditColumns: {
  readonly environment: 'environment'
  readonly feature: 'feature'
  readonly day: 'day'
  readonly inEvents: 'in_events'
  readonly inRollup: 'in_rollup'
  readonly missing: 'missing'
  readonly surplus: 'surplus'
} = /* @__PURE__ */ Object.freeze({
  environment: 'environment',
  feature: 'feature',
  day: 'day',
  inEvents: 'in_events',
  inRollup: 'in_rollup',
  missing: 'missing',
  surplus: 'surplus',
})

/**
 * One UTC day of one experiment, in the events and in the rollup. Every count is a number of first exposures: pairs of
 * identity and variant, by the day on which the pair was first exposed.
 */
export interface RollupAuditDay {
  /** `YYYY-MM-DD`. */
  readonly day: string
  /** First exposures that the events have on this day. */
  readonly inEvents: number
  /** First exposures that the rollup has on this day. */
  readonly inRollup: number
  /** First exposures that the rollup does not have, or has at a later instant: the view did not see their insert. */
  readonly missing: number
  /** First exposures that the events do not have, or have at a later instant: their events have been removed since. */
  readonly surplus: number
  /**
   * The statements that correct the day, to run in this order; empty if the day agrees. For missing ones, the day is
   * filled again, for every experiment. For a surplus, the first exposures of this experiment on this day are removed,
   * and its events from this day on are added again. Do not run these if the events have expired as intended: the rollup
   * is then all that is left of them.
   */
  readonly mend: readonly RollupStatement[]
}

/**
 * Where does the rollup differ from the events, and what corrects it? Reads the answer to `rollupAudit`.
 *
 * @param rows - the parsed rows of the answer
 * @param schema - made by `rollupSchema` for the same source and rollup; its statements correct the rollup
 * @returns one frozen record for each UTC day with exposures in the events or in the rollup; a day with an empty `mend`
 *   agrees
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column
 *
 * @example
 * ```ts
 * import { flagsmithEvents } from 'first-exposure'
 * import { decodeRollupAudit, rollupSchema } from 'first-exposure/rollup'
 *
 * const schema = rollupSchema({ source: flagsmithEvents(), rollup: 'exposures_by_identity' })
 * const experiment = { environment: 'prod', feature: 'checkout' }
 * const [first, second] = decodeRollupAudit(
 *   [
 *     { ...experiment, day: '2026-06-01', in_events: '70', in_rollup: '70', missing: '0', surplus: '0' },
 *     { ...experiment, day: '2026-06-02', in_events: '81', in_rollup: '79', missing: '2', surplus: '0' },
 *   ],
 *   schema,
 * )
 * first?.mend // => []
 * second?.missing // => 2
 * second?.mend.map(({ query, query_params }) => [query.split('\n')[0], query_params.day])
 * // => [['INSERT INTO `exposures_by_identity` (environment, event, feature, identity, first_exposures, least_instant)', '2026-06-02']]
 * ```
 */
export function decodeRollupAudit(rows: readonly unknown[], schema: RollupSchema): readonly RollupAuditDay[] {
  assertRows(rows)
  anObject(schema, 'schema', invalidSpec)
  return deepFreeze(
    rows.map((row: unknown, index) => {
      const count = (column: string): number =>
        cell(row, index, column, decodeCount, 'a whole number from 0 to 2^53 - 1')
      const environment = cell(row, index, auditColumns.environment, decodeKey, 'text or null')
      const feature = cell(row, index, auditColumns.feature, decodeText, 'text')
      const [missing, surplus] = [count(auditColumns.missing), count(auditColumns.surplus)]
      const day = cell(row, index, auditColumns.day, decodeDay, 'a day, YYYY-MM-DD')
      const ofExperiment = {
        feature_name: feature,
        ...(environment === null ? {} : { environment_key: environment }),
      }
      // The least instant can only become earlier, so a surplus must be removed before the events are added again.
      const corrected = schema.correct.map((statement) => withParameters(onDay(statement, day), ofExperiment))
      return {
        day,
        inEvents: count(auditColumns.inEvents),
        inRollup: count(auditColumns.inRollup),
        missing,
        surplus,
        mend: surplus > 0 ? corrected : missing > 0 ? [onDay(schema.backfill, day)] : [],
      }
    }),
  )
}

function decodeDay(value: unknown): string | undefined {
  return isUtcDay(value) ? value : undefined
}

function decodeText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function decodeKey(value: unknown): string | null | undefined {
  return value === null ? null : decodeText(value)
}
