import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { panelScript, type PanelScript } from '../host/panel/panel-script.js'

const project = resolve(import.meta.dirname, '../..')

/**
 * The panel's script, with the package built from this source into a temporary folder. So the script is never older
 * than the source, and `dist` is neither needed nor changed. Takes some seconds.
 */
export async function panelScriptFromSource(): Promise<PanelScript> {
  const folder = mkdtempSync(join(tmpdir(), 'first-exposure-panel-'))
  try {
    await installFromSource(folder)
    return await panelScript(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Builds the package, without type declarations, into the `node_modules` of a folder, as if it were installed there. */
export async function installFromSource(folder: string): Promise<void> {
  const installed = join(folder, 'node_modules/first-exposure')
  const tsup = createRequire(import.meta.url)
    .resolve('tsup/package.json')
    .replace('package.json', 'dist/cli-default.js')
  const args = [tsup, '--no-dts', '--silent', '--out-dir', join(installed, 'dist')]
  await promisify(execFile)(process.execPath, args, { cwd: project })
  for (const file of ['package.json', 'LICENSE']) copyFileSync(join(project, file), join(installed, file))
}
