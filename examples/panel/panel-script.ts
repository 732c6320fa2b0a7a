import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

/** What every panel runs, and what the licences of the code inside it want said. */
export interface PanelScript {
  readonly code: string
  readonly licences: string
}

const run = promisify(execFile)
const project = resolve(import.meta.dirname, '../..')

/**
 * The panel's script, bundled with the built package: `first-exposure/view` and `first-exposure/statistics` are found
 * by their public names in a package of its own, built from the source into a temporary folder. So the script is never
 * older than the source, `dist` need not be there, and nobody who is using `dist` is disturbed. Takes some seconds.
 */
export async function panelScript(): Promise<PanelScript> {
  const folder = mkdtempSync(join(tmpdir(), 'first-exposure-panel-'))
  try {
    await buildPackage(folder)
    return await bundledScript(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Builds the package, without its declarations, into a folder: `package.json` and `dist`, as published. */
export async function buildPackage(folder: string): Promise<void> {
  const tsup = createRequire(import.meta.url)
    .resolve('tsup/package.json')
    .replace('package.json', 'dist/cli-default.js')
  await run(process.execPath, [tsup, '--no-dts', '--silent', '--out-dir', join(folder, 'dist')], {
    cwd: project,
  })
  copyFileSync(join(project, 'package.json'), join(folder, 'package.json'))
}

/** Bundles the panel's script with the package that was built into a folder. */
export async function bundledScript(folder: string): Promise<PanelScript> {
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
    // Not the project's own: its paths lead to the source.
    tsconfigRaw: {},
    absWorkingDir: project,
    plugins: [
      {
        name: 'built-package',
        setup(bundle): void {
          bundle.onResolve({ filter: /^first-exposure(\/|$)/ }, ({ path, kind, resolveDir }) =>
            resolveDir === folder ? undefined : bundle.resolve(path, { kind, resolveDir: folder }),
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
    // No text of a script may end its element.
    code: (outputFiles[0]?.text ?? '').replace(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--'),
    licences: [
      licenceOf(project),
      ...[...packages].sort().map((name) => licenceOf(join(project, name))),
      readFileSync(join(folder, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8'),
    ].join(`\n${'-'.repeat(80)}\n\n`),
  }
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license: string
  }
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`${name} has no licence file: do not bundle it.`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}
