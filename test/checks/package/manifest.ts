import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The project's folder. */
export const project: string = resolve(import.meta.dirname, '../../..')

interface Manifest {
  readonly engines: { readonly node: string }
  readonly exports: Readonly<Record<string, string | { readonly import: { readonly types: string } }>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** What package.json says of the package. */
export const manifest: Manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest

/** The lowest version of a range such as `>=20.3.0` or `^1.0.0`. */
export function lowestOf(range = ''): string {
  const [version] = /\d+\.\d+\.\d+/.exec(range) ?? []
  if (version === undefined) throw new Error(`package.json names no lowest version: ${range}`)
  return version
}

export interface EntryPoint {
  /** What it is imported by. */
  readonly name: string
  /** The name of its files in `dist`, without their endings. */
  readonly file: string
  /** Its declarations, from the project's folder. */
  readonly types: string
}

/** Every entry point that package.json names. */
export const entryPoints: readonly EntryPoint[] = Object.entries(manifest.exports).flatMap(
  ([path, conditions]) =>
    typeof conditions === 'string'
      ? []
      : [
          {
            name: path.replace('.', 'first-exposure'),
            file: path === '.' ? 'index' : path.replace('./', ''),
            types: conditions.import.types,
          },
        ],
)
