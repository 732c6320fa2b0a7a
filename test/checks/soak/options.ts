import type { ClientConfig } from 'pg'
import { exposureFingerprint, exposureSpec, type ExposureSpec, type RefreshExperiment } from 'first-exposure'

/** What a process of the soak is told. */
export interface SoakOptions {
  readonly store:
    | { readonly type: 'sqlite'; readonly path: string }
    | { readonly type: 'postgres'; readonly config: ClientConfig }
  readonly journal: string
  readonly process: number
  readonly workers: number
  readonly experiments: number
  /** When the soak began, in epoch milliseconds. */
  readonly startedAt: number
}

/** Times in milliseconds, in the proportions of the defaults, a few thousand times as short. */
export const policy = { throttleMs: 60, presumedLostAfterMs: 400, settleMs: 200 } as const

/** Clocks go wrong by at most half of this either way, so that no two differ by more. */
export const greatestSkewMs = 100

/** What a host knows of an experiment. */
export interface Asked {
  readonly spec: ExposureSpec
  readonly experiment: RefreshExperiment
}

const spec = exposureSpec({ environmentKey: 'production', featureName: 'checkout' })

/**
 * The experiments of a soak, by their keys, with what is known of each. A quarter of them ends while it runs. Of a third,
 * every host knows the same. Of the second third, hosts know two specs, as in a deploy that takes long; of the last one,
 * also two starts and two ends, more questions than a state keeps.
 */
export function experimentsOf({
  experiments,
  startedAt,
}: Pick<SoakOptions, 'experiments' | 'startedAt'>): ReadonlyMap<string, readonly Asked[]> {
  return new Map(
    Array.from({ length: experiments }, (_, index) => {
      const begins = startedAt - 3_600_000
      const ends = index % 4 === 0 ? startedAt + 2000 + index * 500 : null
      const asked = { spec, experiment: { startedAt: begins, endedAt: ends } }
      const others = [
        { spec: exposureSpec({ ...spec, multiVariant: 'first-seen' }), experiment: asked.experiment },
        { spec, experiment: { startedAt: begins + 60_000, endedAt: ends } },
        { spec, experiment: { startedAt: begins, endedAt: startedAt + 1000 + index * 500 } },
        { spec: exposureSpec({ ...spec, timeZone: 'Europe/Madrid' }), experiment: asked.experiment },
      ]
      return [`experiment ${index}`, [asked, ...others.slice(0, [0, 1, 4][index % 3])]]
    }),
  )
}

/** The fingerprint of what a host asks. */
export function fingerprintOf({ spec, experiment }: Asked): string {
  return exposureFingerprint(spec, experiment.startedAt)
}
