import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { PageScript } from '../src/panel/page-script.js'
import { bundledFiles, licencesOf } from './licences.js'

/** The file of the source whose place the bundled script takes. */
export const pageScriptFile: RegExp = /[\\/]src[\\/]panel[\\/]page-script\.ts$/

/** What stands in the file instead: a module with the script as text. */
export async function pageScriptModule(project: string): Promise<string> {
  return `export const pageScript = ${JSON.stringify(await bundledPageScript(project))}\n`
}

/** Bundles the script of a page from the source in the project's folder, with the licences of what is in it. */
export async function bundledPageScript(project: string): Promise<PageScript> {
  const { outputFiles, metafile } = await build({
    entryPoints: ['src/panel/browser/page-main.ts'],
    absWorkingDir: project,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
  })
  // No text inside the script may end its element.
  const code = (outputFiles[0]?.text ?? '').replace(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--')
  const own = `first-exposure (MIT)\n\n${readFileSync(resolve(project, 'LICENSE'), 'utf8').trim()}\n`
  const files = bundledFiles(metafile).map((file) => resolve(project, file))
  return {
    code,
    hash: `sha256-${createHash('sha256').update(code).digest('base64')}`,
    licences: [own, licencesOf(files)].join(`\n${'-'.repeat(80)}\n\n`),
  }
}
