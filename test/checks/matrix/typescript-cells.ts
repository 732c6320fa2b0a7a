import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifest } from '../package/manifest.js'
import { mustBe, Skipped, type Cell } from './cell.js'
import { consumer, run, versionOf, type Workspace } from './workspace.js'

// The lowest that is supported, the last of each major, and the native compiler.
const versions = ['5.4.5', '5.9.3', '6.0.3', '7.0.2']

interface Resolution {
  readonly name: string
  readonly files: readonly string[]
  readonly options: object
  /** What a compiler of this version needs to be told, or `undefined` where it has this resolution no more. */
  readonly also?: (version: string) => object | undefined
}

const node = { lib: ['ES2022'], types: ['node'] }
const browser = { lib: ['ES2022', 'DOM'], types: [] }
const resolutions: readonly Resolution[] = [
  {
    name: 'node16',
    files: ['consumer.mts', 'consumer.cts'],
    options: { ...node, module: 'node16', moduleResolution: 'node16' },
  },
  {
    name: 'nodenext',
    files: ['consumer.mts', 'consumer.cts'],
    options: { ...node, module: 'nodenext', moduleResolution: 'nodenext' },
  },
  {
    name: 'bundler',
    files: ['consumer.ts'],
    options: { ...browser, module: 'esnext', moduleResolution: 'bundler' },
  },
  {
    name: 'node10',
    files: ['consumer.ts'],
    options: { ...node, module: 'commonjs', moduleResolution: 'node10' },
    also: (version) =>
      version.startsWith('5.') ? {} : version.startsWith('6.') ? { ignoreDeprecations: '6.0' } : undefined,
  },
]

/** The package's types, in each version of TypeScript and each way in which it finds packages, libraries checked too. */
export function typescriptCells(workspace: Workspace): Cell[] {
  let prepared: Promise<string> | undefined
  const prepare = async (): Promise<string> => {
    const compilers = versions.map((version) => `typescript-${version}@npm:typescript@${version}`)
    const cwd = await workspace.project('typescript', [
      ...compilers,
      `@types/node@${manifest.devDependencies['@types/node']}`,
    ])
    const code = await consumer('every-entry-point')
    for (const ending of ['ts', 'mts', 'cts']) await writeFile(join(cwd, `consumer.${ending}`), code)
    return cwd
  }

  return versions.flatMap((version) =>
    resolutions.map(({ name, files, options, also = () => ({}) }) => ({
      group: 'TypeScript',
      title: `TypeScript ${version}, ${name}`,
      async run(): Promise<string> {
        const compilerOptions = also(version)
        if (compilerOptions === undefined) throw new Skipped(`TypeScript ${version} has no ${name} any more`)
        const cwd = await (prepared ??= prepare())
        mustBe(await versionOf(cwd, `typescript-${version}`), version)
        const strict = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false }
        const config = `tsconfig.${version}.${name}.json`
        const target = { target: 'es2022', ...options, ...strict, ...compilerOptions }
        await writeFile(join(cwd, config), JSON.stringify({ compilerOptions: target, files }))
        await run(process.execPath, [`node_modules/typescript-${version}/bin/tsc`, '-p', config], cwd)
        return `checked ${files.join(' and ')}, and all declarations`
      },
    })),
  )
}
