import { exposureSpec, exposureWindow } from 'first-exposure'
import type { ListedExperiment } from 'first-exposure/clickhouse'

// A window needs an end. This one is used for an experiment that has not ended.
const farAway = '2105-12-31T00:00:00Z'

/**
 * The experiments in a JSON file: a list of `{ key, startedAt, endedAt, … }`, where the rest are the fields of
 * `exposureSpec`.
 *
 * @throws if anything is wrong, with what and where
 */
export function workerExperiments(json: string): readonly ListedExperiment[] {
  const list: unknown = JSON.parse(json)
  if (!Array.isArray(list)) throw new Error('The experiments are not a list.')
  const experiments = list.map((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null) throw new Error(`Experiment ${index} is not an object.`)
    const { key, startedAt, endedAt = null, ...spec } = entry as Record<string, unknown>
    if (typeof key !== 'string' || key === '') throw new Error(`Experiment ${index} has no key.`)
    try {
      // The library's own checks: the names, and that an instant has a zone.
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
    throw new Error('Two experiments have the same key, so one would overwrite the other.')
  }
  return experiments
}
