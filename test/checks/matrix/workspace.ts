import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { project } from '../package/manifest.js'
import { Skipped } from './cell.js'

const execute = promisify(execFile)

/** A temporary folder with the packed package, in which each kind of consumer has a folder of its own. */
export interface Workspace {
  /** An empty project in which the package, from its tarball, and others are installed. */
  project(name: string, packages: readonly string[]): Promise<string>
  remove(): Promise<void>
}

/** Packs what `npm run build` left in `dist`. */
export async function openWorkspace(): Promise<Workspace> {
  if (!existsSync(join(project, 'dist'))) throw new Error('There is no dist: run npm run build first.')
  const folder = await mkdtemp(join(tmpdir(), 'first-exposure-matrix-'))
  const packed = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    project,
  )
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  return {
    async project(name, packages): Promise<string> {
      const cwd = join(folder, name)
      await mkdir(cwd)
      await writeFile(join(cwd, 'package.json'), '{ "name": "consumer", "private": true }')
      const options = [
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--no-package-lock',
        '--prefer-offline',
        '--fetch-retries=1',
      ]
      try {
        await run('npm', ['install', ...options, join(folder, filename), ...packages], cwd)
      } catch (error) {
        const [, code] = /npm error code (\w+)/.exec(String(error)) ?? []
        const [, missing] = /npm error (?:404|notarget) .*?'?(\S+@\S+?)'? /.exec(String(error)) ?? []
        if (/^(ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)$/.test(code ?? ''))
          throw new Skipped(`no package registry is in reach (${code})`)
        if (code === 'E404') throw new Skipped(`there is no package ${missing ?? ''} for this platform`)
        throw error
      }
      return cwd
    },
    async remove(): Promise<void> {
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Runs a program and returns what it prints; where it fails, what it said is in the error. */
export async function run(file: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await execute(file, args, { cwd, maxBuffer: 2 ** 26, timeout: 300_000 })).stdout.trim()
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(' ')}\n${stdout}${stderr}`.trim(), { cause: error })
  }
}

/** The version of a package that is installed in a project. */
export async function versionOf(cwd: string, name: string): Promise<string> {
  const text = await readFile(join(cwd, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The text of a consumer. */
export async function consumer(name: string): Promise<string> {
  return await readFile(join(import.meta.dirname, 'consumer', `${name}.ts`), 'utf8')
}

/** Writes a consumer as plain JavaScript. */
export async function writeScript(
  code: string,
  format: 'esm' | 'cjs',
  cwd: string,
  file: string,
): Promise<void> {
  const script = await transform(code, { loader: 'ts', format, target: 'es2022' })
  await writeFile(join(cwd, file), script.code)
}
