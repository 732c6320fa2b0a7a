import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryPoints, project } from './manifest.js'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'first-exposure-supply-chain-'))
const dist = readdirSync(join(project, 'dist'))
const scripts = dist.filter((file) => /\.c?js$/.test(file))
const read = (file: string): string => readFileSync(join(project, 'dist', file), 'utf8')

afterAll(() => rmSync(folder, { recursive: true }))

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

async function pack(cwd: string): Promise<{ readonly files: readonly string[]; readonly digest: string }> {
  const destination = mkdtempSync(join(folder, 'pack-'))
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination]
  const [packed] = JSON.parse((await run('npm', options, { cwd })).stdout) as [Packed]
  const tarball = readFileSync(join(destination, packed.filename))
  return {
    files: packed.files.map(({ path }) => path),
    digest: createHash('sha256').update(tarball).digest('hex'),
  }
}

describe('what is published', () => {
  let packed: { readonly files: readonly string[]; readonly digest: string }
  beforeAll(async () => {
    packed = await pack(project)
  })

  test('is the entry points, what they share, the command, the guides with their pictures, and four texts', () => {
    const doors = entryPoints.flatMap(({ file }) =>
      ['cjs', 'd.cts', 'd.ts', 'js'].map((ending) => `dist/${file}.${ending}`),
    )
    const guides = readdirSync('docs')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`)
    const pictures = readdirSync('docs/images').map((name) => `docs/images/${name}`)
    const texts = [
      ...guides,
      ...pictures,
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/command.js',
      'dist/panel-in-page.cjs',
      'dist/panel-in-page.js',
      'dist/THIRD-PARTY-LICENSES.txt',
      'package.json',
    ]
    const shared = /^dist\/(chunk-[A-Z0-9]{8}\.c?js|[a-z-]+-[\w-]{8}\.d\.c?ts)$/
    expect(packed.files).toEqual(expect.arrayContaining([...doors, ...texts]))
    expect(packed.files.filter((path) => ![...doors, ...texts].includes(path) && !shared.test(path))).toEqual(
      [],
    )
  })

  test('is what a dry run of the publish lists', async () => {
    // Where the registry is out of reach it says so, and lists all the same.
    const options = ['publish', '--dry-run', '--json', '--ignore-scripts', '--fetch-retries=0']
    const { stdout } = await run('npm', options, {
      cwd: project,
    })
    const [listed] = Object.values(JSON.parse(stdout) as Record<string, Packed>)
    expect(listed?.files.map(({ path }) => path).sort()).toEqual([...packed.files].sort())
  })

  test('runs nothing when it is installed, and brings nothing along', () => {
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
      readonly scripts: object
      readonly [field: string]: unknown
    }
    const atInstall = /^(pre|post)?(install|prepare)$|^prepublish$|^dependencies$/
    expect(Object.keys(manifest.scripts).filter((name) => atInstall.test(name))).toEqual([])
    // npm compiles what has such a file, without being told.
    expect(packed.files.filter((path) => path.endsWith('.gyp'))).toEqual([])
    const brought = ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies']
    expect(brought.filter((field) => field in manifest)).toEqual([])
  })

  test('is the same to the last byte when it is built again', async () => {
    const again = join(folder, 'again')
    mkdirSync(again)
    for (const file of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'docs'])
      cpSync(join(project, file), join(again, file), { recursive: true })
    const tsup = createRequire(import.meta.url)
      .resolve('tsup/package.json')
      .replace('package.json', 'dist/cli-default.js')
    await run(process.execPath, [tsup, '--silent', '--out-dir', join(again, 'dist')], { cwd: project })
    // Where only dist is older than src, build it first.
    expect(await pack(again)).toEqual(packed)
  }, 600_000)

  test('says nothing of the machine that built it', () => {
    for (const file of dist) expect(read(file), file).not.toContain(project)
  })
})

describe('the licences of what is bundled', () => {
  const sections = read('THIRD-PARTY-LICENSES.txt').split(`\n${'-'.repeat(80)}\n`)
  const titles = sections.flatMap((text) => [...text.matchAll(/^((?:@[\w-]+\/)?[\w-]+) (\d\S*) \((.+)\)$/gm)])
  // The bundler heads each file's code with a comment that names it.
  const paths = scripts.flatMap((file) => [...read(file).matchAll(/^\s*\/\/ (.*node_modules\/\S+)$/gm)])
  // A package may bring another version of one that is there already, below its own folder.
  const roots = new Set(
    paths.map(([, path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path ?? '')?.[0] ?? 'no package'),
  )
  const manifests = [...roots].map((root) => {
    const folder = join(project, root)
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name: string
      readonly version: string
    }
    return { folder, name, version }
  })

  test('are there, word for word, for every package whose code is in dist', () => {
    expect(manifests.length).toBeGreaterThan(50)
    for (const { folder, name, version } of manifests) {
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each)) ?? 'no licence'
      const text = readFileSync(join(folder, file), 'utf8').trim()
      const title = `${name} ${version} (`
      expect(
        sections.some((section) => `\n${section}`.includes(`\n${title}`) && section.includes(text)),
        name,
      ).toBe(true)
    }
  })

  test('are there for no other package', () => {
    expect(new Set(titles.map(([, name, version]) => `${name} ${version}`))).toEqual(
      new Set(manifests.map(({ name, version }) => `${name} ${version}`)),
    )
  })

  test('ask for no more than to be shown', () => {
    const allowed = new Set([
      'MIT',
      'Apache-2.0',
      'Apache-2.0 AND BSL-1.0',
      'ISC',
      'BSD-2-Clause',
      'BSD-3-Clause',
    ])
    expect(titles.filter(([, , , licence]) => !allowed.has(licence ?? '')).map(([title]) => title)).toEqual(
      [],
    )
  })
})
