import type { Engine } from './engine.js'
import type { Measurement } from './engine-task.js'
import type { Form } from './forms.js'
import { median } from './median.js'
import type { Progress } from './progress.js'
import { createEvents, generateEvents, type Shape } from './shape.js'

/** What one form cost, as medians; `undefined` where it did not fit the limit of memory. */
export interface Cost {
  readonly form: string
  readonly cost: Omit<Measurement, 'digest'> | undefined
}

/**
 * Fills a table and measures every form on it in turn, as often as asked: what disturbs the machine for a while
 * disturbs all of them. Throws where forms that must agree do not.
 */
export async function measureForms(
  engine: Engine,
  shape: Shape,
  forms: readonly Form[],
  { rounds, progress, memoryLimit = 0 }: { rounds: number; progress: Progress; memoryLimit?: number },
): Promise<readonly Cost[]> {
  progress.step(`generating ${shape.name}`)
  await engine.command(
    createEvents('events'),
    `${generateEvents('events', shape)} SETTINGS max_insert_block_size = 1048576, min_insert_block_size_rows = 4194304, max_memory_usage = 0`,
    'OPTIMIZE TABLE events FINAL',
    ...forms.flatMap(({ prepare = [] }) => prepare),
  )
  try {
    const measured = new Map<Form, (Measurement | undefined)[]>(forms.map((form) => [form, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [form, measurements] of measured) {
        progress.step(`${shape.name}: ${form.name}`)
        measurements.push(await engine.measure('events', form, memoryLimit))
      }
    }
    const digests = new Set(
      [...measured].flatMap(([form, measurements]) =>
        form.agrees ? measurements.flatMap((one) => (one === undefined ? [] : [one.digest])) : [],
      ),
    )
    if (digests.size > 1) throw new Error(`The forms disagree on ${shape.name}: one of them is wrong.`)
    return [...measured].map(([form, measurements]) => {
      const whole = measurements.filter((one) => one !== undefined)
      const of = (what: keyof Omit<Measurement, 'digest'>): number => median(whole.map((one) => one[what]))
      return {
        form: form.name,
        cost:
          whole.length < measurements.length
            ? undefined
            : { seconds: of('seconds'), cpuSeconds: of('cpuSeconds'), peakBytes: of('peakBytes') },
      }
    })
  } finally {
    await engine.command('DROP TABLE events SYNC')
  }
}
