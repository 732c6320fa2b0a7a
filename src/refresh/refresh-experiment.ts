import { anObject, type Check } from '../checks.js'
import { invalidInstant, invalidPolicy } from '../errors.js'
import { epochMs } from '../time/instant.js'

/** When the experiment ran, as far as it is known now. */
export interface RefreshExperiment {
  /** The first millisecond that counts, in epoch milliseconds; it may be in the future. */
  readonly startedAt: number
  /** The first millisecond that no longer counts, in epoch milliseconds; `null` while nobody has ended it. */
  readonly endedAt: number | null
  /**
   * What is asked, by `exposureFingerprint(spec, startedAt)`: an answer under another fingerprint is an old one. Left
   * out, what was asked last counts, if its start is `startedAt`. Refreshes compute it from their spec.
   */
  readonly fingerprint?: string
}

/** An experiment that was checked, its end as Infinity while nobody has ended it. */
export interface CheckedExperiment {
  readonly startedAt: number
  readonly endsAt: number
  readonly fingerprint: string | undefined
}

/** Throws `invalid-instant`, and `invalid-policy` for the fingerprint. */
export function checkedExperiment(experiment: RefreshExperiment): CheckedExperiment {
  anObject(experiment, 'experiment', invalidInstant)
  const { startedAt, endedAt, fingerprint } = experiment
  return {
    startedAt: epochMs(startedAt, 'experiment.startedAt'),
    endsAt: endedAt === null ? Infinity : epochMs(endedAt, 'experiment.endedAt'),
    fingerprint:
      fingerprint === undefined
        ? undefined
        : aFingerprint(fingerprint, 'experiment.fingerprint', invalidPolicy),
  }
}

/** What `exposureFingerprint` returns, or a host's own short text. */
export const aFingerprint: Check<string> = (value, path, refuse) => {
  if (typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value)) return value
  throw refuse(
    path,
    value,
    'Pass what exposureFingerprint returned: 1 to 64 ASCII letters, digits, _ . : and -.',
  )
}
