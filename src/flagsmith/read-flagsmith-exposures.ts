import { aBoolean, anObject } from '../checks.js'
import { malformedState } from '../errors.js'
import { checkedSummary, type SummaryFormat } from '../questions/summary/checked-summary.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { reduceRefresh } from '../refresh/reduce-refresh.js'
import { checkedExperiment, type RefreshExperiment } from '../refresh/refresh-experiment.js'
import { aQuestion } from '../refresh/checked-question.js'
import type { RefreshQuestion } from '../refresh/refresh-question.js'
import { initialRefreshState, type RefreshState } from '../refresh/refresh-state.js'
import { epochMs } from '../time/instant.js'

const format: SummaryFormat = {
  excludedIdentities: 'excluded_identities',
  newIdentities: 'new_identities',
  timeZone: null,
  bucketExample: '2026-06-01T00:00:00+00:00',
  // Buckets are in UTC always. Flagsmith once wrote those of a ClickHouse of the customer's own without the offset.
  toIsoInstant: (bucket) => {
    const start = bucket.replace(/\+00:00$/, '')
    return start.length === 19 ? `${start}.000Z` : ''
  },
}

/**
 * What does a Flagsmith row say, as a refresh state? Reads the JSON that Flagsmith stores and serves, so that a host
 * of this library can take the experiment over.
 *
 * | in the state | from the row |
 * |---|---|
 * | `success` | `payload`, with `as_of` both as its `at` and, up to the experiment's end, as its `asOf` |
 * | `failure` | `last_error_at`, likewise; cleared where `as_of` is not before it |
 * | `failure.error` | `{ code: 'unknown', transient: false, message: 'The last refresh failed.' }`: a row says no more |
 * | `requestedAt` | `refresh_requested_at` |
 * | `question` | `payload.question`, for all of these: what `writeFlagsmithExposures` wrote; without it, nobody knows |
 *
 * A row that Flagsmith wrote does not say what was asked. A refresh, which knows, then asks once for itself, and shows
 * the row's summary as that of another question until then.
 *
 * `is_final` is checked and not kept: the experiment and the policy decide whether the last summary is final, and one
 * that was made before the late exposures had arrived is refreshed once more. A bucket may lack its offset, as in rows
 * that Flagsmith wrote for a ClickHouse of the customer's own: it is in UTC. Instants are cut to the millisecond;
 * counts of 0 are left out. So are members that this library does not know, wherever they are: to keep them in the store,
 * pass the row to `writeFlagsmithExposures`. The payload of an experiment's results, which has its exposures in
 * `exposures_timeseries`, is refused by name: it does not say how many identities are excluded.
 *
 * @param row - the parsed JSON: `as_of`, `last_error_at`, `refresh_requested_at` and `payload`, each of which may be
 *   `null`, and `is_final`, which may be missing, as it is where rows are stored
 * @param experiment - when it started and ended, in epoch milliseconds
 * @returns a state, frozen through and through
 * @throws {@link ExposureError} `malformed-state`, saying where (`payload.timeseries.points[3].bucket`), and for a
 *   payload without `as_of` or the reverse; `invalid-instant` for the experiment
 *
 * @example
 * ```ts
 * import { readFlagsmithExposures } from 'first-exposure/flagsmith'
 *
 * const state = readFlagsmithExposures(
 *   {
 *     as_of: '2026-06-15T00:00:00Z',
 *     last_error_at: null,
 *     refresh_requested_at: '2026-06-15T00:00:00Z',
 *     payload: { excluded_identities: 5, timeseries: { granularity: 'day', points: [] } },
 *     is_final: false,
 *   },
 *   { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 * )
 * state.success?.summary.excludedIdentities // => 5
 * state.requestedAt === Date.UTC(2026, 5, 15) // => true
 * ```
 */
export function readFlagsmithExposures(row: unknown, experiment: RefreshExperiment): RefreshState {
  const { endsAt } = checkedExperiment(experiment)
  const stored = anObject(row, 'row', malformedState)
  const asOf = instantOf(stored['as_of'], 'as_of')
  const failedAt = instantOf(stored['last_error_at'], 'last_error_at')
  const requestedAt = instantOf(stored['refresh_requested_at'], 'refresh_requested_at')
  const payload = stored['payload']
  const isFinal = stored['is_final']
  if (isFinal !== undefined) aBoolean(isFinal, 'is_final', malformedState)
  if ((asOf === null) !== (payload === null)) {
    throw malformedState('as_of', stored['as_of'], 'Pass null exactly where the payload is null.')
  }

  const question = questionOf(payload)
  const about = question === undefined ? {} : { question }
  let state: RefreshState = initialRefreshState
  if (requestedAt !== null) state = reduceRefresh(state, { type: 'requested', at: requestedAt, ...about })
  if (asOf !== null) {
    assertExposures(payload)
    const summary = checkedSummary(payload, 'payload', malformedState, format)
    state = reduceRefresh<ExposuresSummary>(state, {
      type: 'succeeded',
      asOf: Math.min(asOf, endsAt),
      at: asOf,
      summary,
      ...about,
    })
  }
  if (failedAt !== null) {
    state = reduceRefresh(state, {
      type: 'failed',
      asOf: Math.min(failedAt, endsAt),
      at: failedAt,
      error: {
        code: 'unknown',
        transient: false,
        message: 'The last refresh failed.',
      },
      ...about,
    })
  }
  return state
}

function questionOf(payload: unknown): RefreshQuestion | undefined {
  const question = (payload as { readonly question?: unknown } | null)?.question
  if (question === undefined) return undefined
  const { started_at: startedAt, ...others } = anObject(question, 'payload.question', malformedState)
  const path = 'payload.question.started_at'
  const startMs = instantOf(startedAt, path)
  if (startMs === null) throw malformedState(path, startedAt, 'Pass an instant with its zone.')
  return aQuestion({ ...others, startedAt: startMs }, 'payload.question', malformedState)
}

function assertExposures(payload: unknown): void {
  const { timeseries, exposures_timeseries: ofResults } = (payload ?? {}) as Readonly<Record<string, unknown>>
  if (timeseries !== undefined || ofResults === undefined) return
  throw malformedState(
    'payload.exposures_timeseries',
    ofResults,
    'Pass the row of its exposures, whose payload has excluded_identities and timeseries.',
    'The payload is that of an experiment’s results.',
  )
}

/** Python writes microseconds, which no state keeps: they are cut off, in all three instants alike. */
function instantOf(value: unknown, path: string): number | null {
  if (value === null) return null
  if (typeof value === 'string') return epochMs(value.replace(/(\.\d{3})\d+/, '$1'), path, malformedState)
  throw malformedState(path, value, 'Pass null, or an instant with its zone, as 2026-06-01T00:00:00Z.')
}
