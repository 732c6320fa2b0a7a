import { anObject } from '../checks.js'
import { invalidInstant } from '../errors.js'
import { epochMs } from '../time/instant.js'

/** When the experiment ran, as far as it is known now. */
export interface RefreshExperiment {
  /** The first millisecond that counts, in epoch milliseconds; it may be in the future. */
  readonly startedAt: number
  /** The first millisecond that no longer counts, in epoch milliseconds; `null` while nobody has ended it. */
  readonly endedAt: number | null
}

/** The experiment's own instants, its end as Infinity while nobody has ended it. Throws `invalid-instant`. */
export function checkedExperiment(experiment: RefreshExperiment): {
  readonly startedAt: number
  readonly endsAt: number
} {
  anObject(experiment, 'experiment', invalidInstant)
  const { startedAt, endedAt } = experiment
  return {
    startedAt: epochMs(startedAt, 'experiment.startedAt'),
    endsAt: endedAt === null ? Infinity : epochMs(endedAt, 'experiment.endedAt'),
  }
}
