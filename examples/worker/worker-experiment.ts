import { exposureSpec, exposureWindow, type ExposureSpec, type RefreshExperiment } from 'first-exposure'

/** An experiment as the worker's own configuration knows it. */
export interface WorkerExperiment {
  /** Its key in the store. */
  readonly key: string
  readonly spec: ExposureSpec
  readonly experiment: RefreshExperiment
}

// A window ends somewhere: this stands for the end of an experiment that nobody has ended.
const farAway = '2105-12-31T00:00:00Z'

/**
 * The experiments of a JSON file: a list of `{ key, startedAt, endedAt, … }`, where the rest is what `exposureSpec`
 * takes.
 *
 * @throws with what is wrong, and where, if anything is
 */
export function workerExperiments(json: string): readonly WorkerExperiment[] {
  const list: unknown = JSON.parse(json)
  if (!Array.isArray(list)) throw new Error('The experiments are not a list.')
  const experiments = list.map((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null) throw new Error(`Experiment ${index} is no object.`)
    const { key, startedAt, endedAt = null, ...spec } = entry as Record<string, unknown>
    if (typeof key !== 'string' || key === '') throw new Error(`Experiment ${index} has no key.`)
    try {
      // The library's own checks: of the names, and that an instant says its zone.
      const { startMs, asOfMs } = exposureWindow(startedAt as string, (endedAt as string | null) ?? farAway)
      return {
        key,
        spec: exposureSpec(spec as unknown as Parameters<typeof exposureSpec>[0]),
        experiment: { startedAt: startMs, endedAt: endedAt === null ? null : asOfMs },
      }
    } catch (error) {
      throw new Error(`Experiment ${key}: ${(error as Error).message}`, { cause: error })
    }
  })
  if (new Set(experiments.map(({ key }) => key)).size < experiments.length) {
    throw new Error('Two experiments have the same key: one would overwrite the other.')
  }
  return experiments
}
