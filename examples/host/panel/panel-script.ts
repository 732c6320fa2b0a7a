import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** The script of every panel, and the licences of the code inside it. */
export interface PanelScript {
  readonly code: string
  readonly licences: string
}

/**
 * The panel's script, bundled with `first-exposure/view` and `first-exposure/statistics`. Takes a second or so.
 *
 * @param installed - the folder in whose `node_modules` the package is found. Default: as Node finds it from here
 */
export async function panelScript(installed: string = import.meta.dirname): Promise<PanelScript> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, 'browser/main.ts')],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    // Only this configuration: another one may have different paths.
    tsconfigRaw: {},
    absWorkingDir: import.meta.dirname,
    plugins: [
      {
        name: 'installed-package',
        setup(bundle): void {
          bundle.onResolve({ filter: /^first-exposure(\/|$)/ }, ({ path, kind, resolveDir }) =>
            resolveDir === installed ? undefined : bundle.resolve(path, { kind, resolveDir: installed }),
          )
        },
      },
    ],
  })
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap(
      (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
    ),
  )
  return {
    // No text inside the script may end its element.
    code: (outputFiles[0]?.text ?? '').replace(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--'),
    licences: [...packages]
      .sort()
      .flatMap((folder) => licencesOf(join(import.meta.dirname, folder)))
      .join(`\n${'-'.repeat(80)}\n\n`),
  }
}

/** The licence of a package, and those of the code bundled in it. */
function licencesOf(folder: string): string[] {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license: string
  }
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`${name} has no licence file: do not bundle it.`)
  const inside = join(folder, 'dist/THIRD-PARTY-LICENSES.txt')
  return [
    `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`,
    ...(existsSync(inside) ? [readFileSync(inside, 'utf8')] : []),
  ]
}
