import type { ClientConfig } from 'pg'
import type { RefreshExperiment } from 'first-exposure'

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

/** The experiments of a soak, by their keys. A quarter of them ends while it runs. */
export function experimentsOf({
  experiments,
  startedAt,
}: Pick<SoakOptions, 'experiments' | 'startedAt'>): ReadonlyMap<string, RefreshExperiment> {
  return new Map(
    Array.from({ length: experiments }, (_, index) => [
      `experiment ${index}`,
      { startedAt: startedAt - 3_600_000, endedAt: index % 4 === 0 ? startedAt + 2000 + index * 500 : null },
    ]),
  )
}
