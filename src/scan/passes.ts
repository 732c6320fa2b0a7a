import type { ExposureSpec } from '../experiment/exposure-spec.js'
import type { ExposureWindow } from '../time/exposure-window.js'

/** An experiment, and the window in which it is asked about. */
export interface AskedExperiment {
  readonly spec: ExposureSpec
  readonly window: ExposureWindow
}

/**
 * Groups experiments that one pass over their table can answer, in the order of the first of each group. Experiments
 * share a pass if they differ only in their features, windows, time zones, policies and limits: an event of the table
 * then belongs to at most one of them. A rollup is read alone, because a window decides which of its days are read.
 */
export function passesOf<Asked extends AskedExperiment>(
  experiments: readonly Asked[],
): readonly (readonly Asked[])[] {
  const passes: Asked[][] = []
  const ofKey = new Map<string, Asked[][]>()
  for (const asked of experiments) {
    const { source, environmentKey, eventName, filters, identityKey, featureName } = asked.spec
    const key = JSON.stringify([source, environmentKey, eventName, filters, identityKey])
    const open = source.rollup === undefined ? (ofKey.get(key) ?? []) : []
    const pass = open.find((others) => others.every(({ spec }) => spec.featureName !== featureName))
    if (pass !== undefined) {
      pass.push(asked)
      continue
    }
    const fresh = [asked]
    passes.push(fresh)
    ofKey.set(key, [...open, fresh])
  }
  return passes
}
