import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeBlocks, sourceFiles } from '../checks/docs/code-blocks.js'

interface Manifest {
  readonly version?: string
  readonly private?: boolean
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
const project = manifestOf('.')

/** The names in the imports of a file, those of `import()` too. */
function importsOf(file: string): string[] {
  const code = readFileSync(file, 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
  return [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => name)
}

describe.each(['examples/browser', 'examples/host', 'examples/react', 'examples/worker'])(
  '%s can be copied alone',
  (folder) => {
    const manifest = manifestOf(folder)
    const dependencies = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
    }

    test('it imports its own files and what its manifest names', async () => {
      const files = (await sourceFiles(folder)).filter((file) => !file.includes('node_modules'))
      expect(files.length).toBeGreaterThan(1)
      const strangers = files.flatMap((file) =>
        importsOf(file)
          .filter((name) => {
            if (name.startsWith('node:')) return false
            if (name.startsWith('.')) return relative(folder, resolve(file, '..', name)).startsWith('..')
            const [first = '', second = ''] = name.split('/')
            // What builds it need not be there when it runs.
            const installed = file.endsWith('.config.ts') ? dependencies : (manifest.dependencies ?? {})
            return !((name.startsWith('@') ? `${first}/${second}` : first) in installed)
          })
          .map((name) => `${file} imports ${name}`),
      )
      expect(strangers).toEqual([])
    })

    test('it is private and has the package as packed, and the versions that the project tests', () => {
      expect(manifest.private).toBe(true)
      const { 'first-exposure': packed, ...others } = dependencies
      expect(packed).toBe(`file:../../first-exposure-${project.version}.tgz`)
      for (const [name, version] of Object.entries(others)) {
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
        expect(version, name).toBe(project.devDependencies[name] ?? version)
      }
    })

    test('its README begins with its two commands', async () => {
      const blocks = await codeBlocks(join(folder, 'README.md'))
      const commands = blocks.find(({ language }) => language === 'sh')
      expect(commands?.code).toBe('npm install\nnpm start')
      expect(manifest.scripts['start']).toBeTypeOf('string')
    })
  },
)
