import { execFile } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const project = resolve(import.meta.dirname, '../..')

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
