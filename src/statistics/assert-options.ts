import { invalidStatistics } from './invalid-statistics.js'

/** Refuses what is no object, and an option that is not one of these: it would be ignored in silence. */
export function assertOptions(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidStatistics('options', options, `Pass an object with the options ${names.join(', ')}.`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name))
      throw invalidStatistics(`options.${name}`, value, `The options are ${names.join(', ')}.`)
  }
}
