import type { Engine } from './engine.js'
import type { Measurement } from './engine-task.js'
import type { Form } from './forms.js'
import { median } from './median.js'
import type { Progress } from './progress.js'
import { createEvents, generateEvents, type Shape } from './shape.js'

/** What one form cost: medians. */
export interface Cost {
  readonly form: string
  readonly cost: Omit<Measurement, 'digest'>
}

/**
 * Fills a table and measures every form on it in turn, several times. So if something else slows the machine for a
 * while, it slows all forms. Throws if forms that must agree do not.
 *
 * @param isWarm - whether each form is asked for a second before it is measured for a second, as on a server that is
 *   asked often
 */
export async function measureForms(
  engine: Engine,
  shape: Shape,
  forms: readonly Form[],
  { rounds, progress, isWarm = false }: { rounds: number; progress: Progress; isWarm?: boolean },
): Promise<readonly Cost[]> {
  progress.step(`generating ${shape.name}`)
  await engine.command(
    createEvents('events'),
    generateEvents('events', shape),
    'OPTIMIZE TABLE events FINAL',
    ...forms.flatMap(({ prepare = [] }) => prepare),
  )
  try {
    const measured = new Map<Form, Measurement[]>(forms.map((form) => [form, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [form, measurements] of measured) {
        progress.step(`${shape.name}: ${form.name}`)
        measurements.push(await engine.measure('events', form, isWarm))
      }
    }
    for (const answers of new Set(forms.map(({ agrees }) => agrees))) {
      const compared = [...measured].filter(([form]) => answers !== false && form.agrees === answers)
      const digests = new Set(
        compared.flatMap(([, measurements]) => measurements.map(({ digest }) => digest)),
      )
      if (digests.size > 1)
        throw new Error(`The results for ${shape.name} differ: one of the forms is wrong.`)
    }
    return [...measured].map(([form, measurements]) => {
      const of = (what: keyof Omit<Measurement, 'digest'>): number =>
        median(measurements.map((one) => one[what]))
      return {
        form: form.name,
        cost: { seconds: of('seconds'), cpuSeconds: of('cpuSeconds'), peakBytes: of('peakBytes') },
      }
    })
  } finally {
    await engine.command('DROP TABLE events SYNC')
  }
}
