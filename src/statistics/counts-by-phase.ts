import { phaseThroughout, type ExpectedPhase } from './expected-phases.js'
import { numbersByVariant, whyNoCounts } from './numbers-by-variant.js'
import { orderedSteps } from './ordered-steps.js'
import { summarySteps, type SampleRatioSummary } from './summary-steps.js'

/** Identities by variant, and when they entered. */
export interface Counts {
  /** What a message calls them. */
  readonly name: string
  readonly entries: readonly (readonly [string, number])[]
  /** The place of the phase that was in force throughout; -1 where the split changed meanwhile. */
  readonly phase: (phases: readonly ExpectedPhase[]) => number
}

/**
 * The counts bucket by bucket, of a summary, a view or steps.
 *
 * @param withEnds - whether a phase may end inside one
 */
export function countsByTime(observed: object, withEnds: boolean): readonly Counts[] {
  const steps =
    'timeseries' in Object(observed)
      ? summarySteps(observed as SampleRatioSummary, withEnds)
      : orderedSteps(observed, withEnds)
  return steps.map((step) => ({
    name: `In the bucket ${step.start} the count`,
    entries: numbersByVariant(step.newIdentities, `newIdentities of ${step.start}`),
    phase: (phases) => phaseThroughout(phases, step),
  }))
}

/** The counts of all time, which belong to a phase without an end. */
export function countsAtOnce(observed: unknown): Counts {
  return { name: 'The count', entries: numbersByVariant(observed, 'observed'), phase: () => 0 }
}

/**
 * The identities of each phase, and how many entered while the split changed; or, as a text, why they are no counts.
 */
export function countsByPhase(
  counts: readonly Counts[],
  phases: readonly ExpectedPhase[],
): { readonly byPhase: readonly ReadonlyMap<string, number>[]; readonly between: number } | string {
  const byPhase = phases.map(() => new Map<string, number>())
  let between = 0
  for (const { name, entries, phase } of counts) {
    const noCounts = whyNoCounts(entries, name)
    if (noCounts !== undefined) return noCounts
    const sums = byPhase[phase(phases)]
    for (const [variant, count] of entries) {
      if (sums === undefined) between += count
      else sums.set(variant, (sums.get(variant) ?? 0) + count)
    }
  }
  return { byPhase, between }
}
