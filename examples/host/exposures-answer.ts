import {
  exposureWindow,
  refreshDecision,
  refreshStatus,
  type ExposuresSummary,
  type ExposureWindow,
  type RefreshDecision,
  type RefreshError,
  type RefreshExperiment,
  type RefreshPolicy,
  type RefreshState,
  type RefreshStatus,
} from 'first-exposure'
import { exposuresView, type ExposuresView } from 'first-exposure/view'
import type { HostExperiment } from './experiments.js'

/** The service's answer about an experiment, the same for every request. Instants are in epoch milliseconds. */
export interface ExposuresAnswer {
  readonly id: string
  readonly title: string
  readonly experiment: RefreshExperiment
  /** What to show. It contains the summary too, for clients that use only the status. */
  readonly status: RefreshStatus
  /** Whether a refresh may be requested now, and if not, why. */
  readonly decision: RefreshDecision
  /** What went wrong since the last good summary, in words for people; `null` if nothing did. */
  readonly error: RefreshError | null
  /** The end of what the summary covers. `asOf`, `window`, `summary` and `view` are `null` until the first success. */
  readonly asOf: number | null
  readonly window: ExposureWindow | null
  readonly summary: ExposuresSummary | null
  /** The summary, ready to draw: totals, shares, running totals. */
  readonly view: ExposuresView | null
  readonly expectedShares: Readonly<Record<string, number>>
  /** The service's clock when it answered. */
  readonly nowMs: number
}

/** Puts together what is known about an experiment. */
export function exposuresAnswer(
  { id, title, experiment, expectedShares }: HostExperiment,
  state: RefreshState,
  nowMs: number,
  policy: Partial<RefreshPolicy>,
): ExposuresAnswer {
  const { success, failure } = state
  const window = success === null ? null : exposureWindow(experiment.startedAt, success.asOf)
  return {
    id,
    title,
    experiment,
    status: refreshStatus(state, experiment, nowMs, policy),
    decision: refreshDecision(state, experiment, nowMs, policy),
    error: failure === null ? null : failure.error,
    asOf: success?.asOf ?? null,
    window,
    summary: success?.summary ?? null,
    view:
      success === null || window === null
        ? null
        : exposuresView(success.summary, {
            window,
            variants: Object.keys(expectedShares),
            fillGaps: true,
          }),
    expectedShares,
    nowMs,
  }
}
