import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ReportError } from './report-error.js'

/**
 * A package that the command does not bring along, by the name of its module. The one of the folder where the user
 * works comes first: `npx` runs the command from a cache, and the packages that the user installed are not beside it.
 *
 * @param purpose - what needs the package, as the message begins
 * @param install - the packages to install, as npm takes them
 */
export function askedPackage(name: string, purpose: string, install: string): unknown {
  const advice = `install it with: npm i ${install}`
  for (const place of [join(process.cwd(), 'package.json'), import.meta.url]) {
    const require = createRequire(place)
    let file: string
    try {
      file = require.resolve(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') continue
      throw new ReportError(`${purpose} ${packageOf(name)} in a later version; ${advice}`, { cause: error })
    }
    return require(file)
  }
  throw new ReportError(`${purpose} the package ${packageOf(name)}; ${advice}`)
}

/** `chdb` for `chdb/connection`. */
function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}
