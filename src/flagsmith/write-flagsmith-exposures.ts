import { ExposureError } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { checkedExperiment } from '../refresh/checked-experiment.js'
import { checkedPolicy } from '../refresh/checked-policy.js'
import { checkedState } from '../refresh/checked-state.js'
import { isFinal } from '../refresh/is-final.js'
import type { RefreshExperiment } from '../refresh/refresh-experiment.js'
import type { RefreshPolicy } from '../refresh/refresh-policy.js'
import type { RefreshState } from '../refresh/refresh-state.js'
import type { ExposuresSummary } from '../summary/exposures-summary.js'
import type { FlagsmithExposures, FlagsmithPayload } from './flagsmith-exposures.js'

/**
 * How does Flagsmith say this state? Writes what Flagsmith's front end reads; `JSON.stringify` of it is the row.
 *
 * | field | from the state |
 * |---|---|
 * | `payload` | the success's summary |
 * | `as_of` | the success's `asOf`; its `at`, once `asOf` reaches the experiment's end, after which nothing is added |
 * | `last_error_at` | the failure's `at`, where that is after `as_of`; the error itself has no place there |
 * | `refresh_requested_at` | `requestedAt` |
 * | `is_final` | whether `refreshStatus` says `final` |
 *
 * @param state - a state of {@link ExposuresSummary}, counted in UTC
 * @param experiment - when it started and ended, in epoch milliseconds
 * @param policy - what differs from the defaults; only `settleMs` matters here, in milliseconds, 3,600,000 by default
 * @returns a frozen row. Reading it with `readFlagsmithExposures` and writing that gives the same row again, for every
 *   state whose runs ended no earlier than the window that they computed; what is lost is the failure's window and
 *   error, and the success's `at` before the experiment's end.
 * @throws {@link ExposureError} `not-expressible` for buckets of another time zone than UTC, for an instant outside the
 *   years 1 to 9999, and for a variant key with NUL or a lone surrogate, which PostgreSQL's `jsonb` cannot hold;
 *   `malformed-state`, `invalid-instant`, `invalid-policy`
 *
 * @example
 * ```ts
 * import { initialRefreshState, reduceRefresh, summarizeExposures } from 'first-exposure'
 * import { writeFlagsmithExposures } from 'first-exposure/flagsmith'
 *
 * const summary = summarizeExposures(
 *   [{ quarantined: false, variant: 'control', bucketMs: Date.UTC(2026, 5, 1), newIdentities: 100 }],
 *   { granularity: 'day' },
 * )
 * const asOf = Date.UTC(2026, 5, 15)
 * const state = reduceRefresh(initialRefreshState, { type: 'succeeded', asOf, at: asOf + 2000, summary })
 * writeFlagsmithExposures(state, { startedAt: Date.UTC(2026, 5, 1), endedAt: null })
 * // => {
 * //   as_of: '2026-06-15T00:00:00Z',
 * //   last_error_at: null,
 * //   refresh_requested_at: null,
 * //   payload: {
 * //     excluded_identities: 0,
 * //     timeseries: {
 * //       granularity: 'day',
 * //       points: [{ bucket: '2026-06-01T00:00:00+00:00', new_identities: { control: 100 } }],
 * //     },
 * //   },
 * //   is_final: false,
 * // }
 * ```
 */
export function writeFlagsmithExposures(
  state: RefreshState,
  experiment: RefreshExperiment,
  policy: Partial<RefreshPolicy> = {},
): FlagsmithExposures {
  const { endsAt } = checkedExperiment(experiment)
  const patience = checkedPolicy(policy)
  const { requestedAt, success, failure } = checkedState(state)
  const asOf =
    success === null ? null : success.asOf < endsAt ? success.asOf : Math.max(success.asOf, success.at)
  const failedAt = failure === null || (asOf !== null && failure.at <= asOf) ? null : failure.at
  return deepFreeze({
    as_of: instantText(asOf, 'success'),
    last_error_at: instantText(failedAt, 'failure.at'),
    refresh_requested_at: instantText(requestedAt, 'requestedAt'),
    payload: success === null ? null : payloadOf(success.summary),
    is_final: isFinal({ requestedAt, success, failure }, endsAt, patience),
  })
}

function payloadOf({ excludedIdentities, timeseries }: ExposuresSummary): FlagsmithPayload {
  const { granularity, timeZone, points } = timeseries
  if (timeZone !== 'UTC') {
    throw notExpressible(
      'success.summary.timeseries.timeZone',
      `Flagsmith knows only buckets of UTC, and these are of ${timeZone}. Ask with the time zone UTC.`,
    )
  }
  return {
    excluded_identities: excludedIdentities,
    timeseries: {
      granularity,
      points: points.map(({ bucket, newIdentities }, index) => ({
        bucket: `${withFourDigitYear(bucket, `success.summary.timeseries.points[${index}].bucket`).slice(0, 19)}+00:00`,
        new_identities: Object.fromEntries(
          Object.entries(newIdentities).map(([variant, count]) => {
            if (variant.includes('\0') || !variant.isWellFormed()) {
              throw notExpressible(
                `success.summary.timeseries.points[${index}].newIdentities`,
                'A variant key holds NUL or a lone surrogate, which PostgreSQL cannot keep in jsonb. ' +
                  'Leave that variant out, or store this state with encodeRefreshState.',
              )
            }
            return [variant, count]
          }),
        ),
      })),
    },
  }
}

/** As Django REST framework prints a UTC instant: microseconds only where the second is not whole. */
function instantText(ms: number | null, path: string): string | null {
  if (ms === null) return null
  const iso = withFourDigitYear(new Date(ms).toISOString(), path)
  return ms % 1000 === 0 ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 23)}000Z`
}

function withFourDigitYear(iso: string, path: string): string {
  if (!/^\d{4}-/.test(iso) || iso.startsWith('0000')) {
    throw notExpressible(path, `Flagsmith keeps instants of the years 1 to 9999, and this is ${iso}.`)
  }
  return iso
}

function notExpressible(path: string, reason: string): ExposureError {
  return new ExposureError('not-expressible', `Flagsmith cannot hold ${path}. ${reason}`, { path })
}
