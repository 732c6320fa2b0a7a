import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from 'tsup'
import { bundledFiles, licencesOf } from './build/licences.js'
import { pageScriptFile, pageScriptModule } from './build/page-script.js'

// What the entry points carry inside them, so that nobody installs it: with its licences, in the file named below.
const bundled = [/^@noble\//, /^@stdlib\//, /^date-fns/, /^@date-fns\//, /^d3-/, /^internmap$/]
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
        for (const file of metafile === undefined ? [] : bundledFiles(metafile)) files.add(file)
        const { outdir } = build.initialOptions
        if (files.size === 0 || outdir === undefined) return
        mkdirSync(outdir, { recursive: true })
        writeFileSync(join(outdir, licencesFile), licencesOf(files))
      })
    },
  }
}

/** Puts the bundled script of a page into the place of its file. */
function pageScript(): Plugin {
  return {
    name: 'page-script',
    setup(build): void {
      build.onLoad({ filter: pageScriptFile }, async () => ({
        contents: await pageScriptModule(process.cwd()),
        loader: 'js',
      }))
    },
  }
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
    panel: 'src/panel/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2022',
  // One copy of the error class, however many entry points are imported.
  splitting: true,
  clean: true,
  noExternal: bundled,
  esbuildPlugins: [thirdPartyLicences(), pageScript()],
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
