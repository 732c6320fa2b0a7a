import { epochMs } from '../instant.js'
import type { RefreshExperiment } from './refresh-experiment.js'

/** The experiment's own instants, and its end as a number: Infinity while nobody has ended it. Throws `invalid-instant`. */
export function checkedExperiment(experiment: RefreshExperiment): {
  readonly startedAt: number
  readonly endsAt: number
} {
  return {
    startedAt: epochMs(experiment.startedAt, 'experiment.startedAt'),
    endsAt: experiment.endedAt === null ? Infinity : epochMs(experiment.endedAt, 'experiment.endedAt'),
  }
}
