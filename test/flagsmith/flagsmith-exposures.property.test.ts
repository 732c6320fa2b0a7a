import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  initialRefreshState,
  reduceRefresh,
  refreshDecision,
  refreshStatus,
  type RefreshEvent,
  type RefreshState,
} from 'first-exposure'
import { readFlagsmithExposures, writeFlagsmithExposures } from 'first-exposure/flagsmith'
import { exposuresSummary } from '../arbitraries/exposures-summary.js'
import { refreshError, refreshEvents } from '../arbitraries/refresh-event.js'
import { runs } from '../arbitraries/runs.js'

const minute = 60_000
const start = Date.UTC(2026, 5, 1)
const policy = { throttleMs: 2 * minute, presumedLostAfterMs: 5 * minute, settleMs: 3 * minute }

const minutes = (max: number): fc.Arbitrary<number> => fc.nat({ max }).map((n) => start + n * minute)

const expressible = exposuresSummary(fc.constant('UTC')).filter(({ timeseries }) =>
  timeseries.points.every(({ newIdentities }) =>
    Object.keys(newIdentities).every((key) => key.isWellFormed() && !key.includes('\0')),
  ),
)

/** Runs as hosts make them: requested at some time, computing to then or to the end, and over some time later. */
const history = fc
  .record({
    endedAt: fc.option(minutes(10).map((endedAt) => endedAt + minute)),
    runs: fc.array(
      fc.record({
        at: minutes(14).map((at) => at + minute),
        outcome: fc.constantFrom('succeeded', 'failed', 'lost'),
        afterMs: fc.nat({ max: 3 * minute }),
        summary: expressible,
        error: refreshError(),
      }),
      { maxLength: 5 },
    ),
  })
  .map(({ endedAt, runs }) => ({
    experiment: { startedAt: start, endedAt },
    state: runs
      .flatMap(({ at, outcome, afterMs, summary, error }): RefreshEvent[] => {
        const asOf = Math.min(at, endedAt ?? Infinity)
        const over = at + afterMs
        return [
          { type: 'requested', at },
          ...(outcome === 'succeeded' ? [{ type: outcome, asOf, at: over, summary } as const] : []),
          // A row does not say which window a failed run was to compute: here it fails at once.
          ...(outcome === 'failed' ? [{ type: outcome, asOf, at, error } as const] : []),
        ]
      })
      .reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState),
  }))

/** Any state at all, of runs that ended no earlier than the window that they computed. */
const anyState = refreshEvents(expressible).map((events) =>
  events
    .map((event) => (event.type === 'requested' ? event : { ...event, at: Math.max(event.at, event.asOf) }))
    .reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState),
)

describe('a Flagsmith row', () => {
  test('read and written again is the same row', () => {
    fc.assert(
      fc.property(anyState, fc.option(minutes(7)), (state, endedAt) => {
        const experiment = { startedAt: start, endedAt }
        const row = JSON.stringify(writeFlagsmithExposures(state, experiment, policy))
        const read = readFlagsmithExposures(JSON.parse(row), experiment)
        expect(JSON.stringify(writeFlagsmithExposures(read, experiment, policy))).toBe(row)
      }),
      { numRuns: runs(300) },
    )
  })

  test('keeps the summary, how far it reaches, the request, and what is decided and shown at any time', () => {
    fc.assert(
      fc.property(history, minutes(25), ({ experiment, state }, now) => {
        const row: unknown = JSON.parse(JSON.stringify(writeFlagsmithExposures(state, experiment, policy)))
        const read = readFlagsmithExposures(row, experiment)
        expect(read.success?.summary).toEqual(state.success?.summary)
        expect(read.success?.asOf).toBe(state.success?.asOf)
        expect(read.requestedAt).toBe(state.requestedAt)
        expect(refreshDecision(read, experiment, now, policy)).toStrictEqual(
          refreshDecision(state, experiment, now, policy),
        )
        expect(refreshStatus(read, experiment, now, policy).type).toBe(
          refreshStatus(state, experiment, now, policy).type,
        )
      }),
      { numRuns: runs(300) },
    )
  })
})
