import { invalidSpec } from './invalid-spec.js'

/** Refuses what is no object, and an option that is not one of these: it would be ignored in silence. */
export function assertOptions(options: object, names: readonly string[], field: string): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidSpec(field, options, `Pass an object with the options ${names.join(', ')}.`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name)) {
      throw invalidSpec(`${field}.${name}`, value, `The options are ${names.join(', ')}.`)
    }
  }
}
