import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from 'tsup'

// What the entry points carry inside them, so that nobody installs it: with its licences, in the file named below.
const bundled = [/^@stdlib\//, /^date-fns/, /^@date-fns\//]
const licencesFile = 'THIRD-PARTY-LICENSES.txt'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Writes the licences and notices of every package that really went into the output, found in what esbuild says it
 * put there. Each text is written once, under the packages that it is for.
 */
function thirdPartyLicences(): Plugin {
  // The formats are built side by side and may differ in what they need.
  const files = new Set<string>()
  return {
    name: 'third-party-licences',
    setup(build): void {
      build.onEnd(({ metafile }) => {
        for (const { inputs } of Object.values(metafile?.outputs ?? {})) {
          for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
            if (bytesInOutput > 0 && file.includes('node_modules/')) files.add(file)
          }
        }
        const { outdir } = build.initialOptions
        if (files.size === 0 || outdir === undefined) return
        mkdirSync(outdir, { recursive: true })
        writeFileSync(join(outdir, licencesFile), licencesOf([...files].sort()))
      })
    },
  }
}

function licencesOf(files: readonly string[]): string {
  const packagesByText = new Map<string, Set<string>>()
  const add = (text: string, name: string): unknown =>
    packagesByText.set(text.trim(), (packagesByText.get(text.trim()) ?? new Set()).add(name))

  for (const file of files) {
    const root = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? file
    const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      name: string
      version: string
      license: string
    }
    const title = `${name} ${version} (${license})`
    const texts = readdirSync(root).filter((text) => /^(licen[cs]e|notice)/i.test(text))
    if (!texts.some((text) => /^licen/i.test(text)))
      throw new Error(`${name} has no licence file: do not bundle it.`)
    for (const text of texts) add(readFileSync(join(root, text), 'utf8'), title)
    // Parts that their authors took from elsewhere say so in the file itself.
    for (const [comment] of readFileSync(file, 'utf8').matchAll(/\/\*[*!][^]*?\*\//g)) {
      if (!/@license|@preserve|^\/\*!/.test(comment)) continue
      add(comment.slice(3, -2).replaceAll(/^ ?\* ?/gm, ''), title)
    }
  }
  return [...packagesByText]
    .map(([text, packages]) => `${[...packages].join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`)
}

const config: Options = {
  entry: {
    index: 'src/index.ts',
    clickhouse: 'src/clickhouse/index.ts',
    flagsmith: 'src/flagsmith/index.ts',
    rollup: 'src/rollup/index.ts',
    view: 'src/view/index.ts',
    statistics: 'src/statistics/index.ts',
    stores: 'src/stores/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2022',
  // One copy of the error class, however many entry points are imported.
  splitting: true,
  clean: true,
  noExternal: bundled,
  esbuildPlugins: [thirdPartyLicences()],
  esbuildOptions(options) {
    // They go into the file of licences, where every page that loads the code need not carry them.
    options.legalComments = 'none'
    // The library's own plain forms of three helpers. The others ask with eval, which a page's content security policy
    // may forbid, whether generator functions exist, or bring a code generator along.
    options.alias = {
      '@stdlib/math-base-tools-sum-series': '@stdlib/math-base-tools-sum-series/lib/basic.js',
      '@stdlib/math-base-tools-continued-fraction': '@stdlib/math-base-tools-continued-fraction/lib/basic.js',
      '@stdlib/math-base-tools-evalpoly': '@stdlib/math-base-tools-evalpoly/lib/main.js',
    }
  },
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
}

export default config
