import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Options } from 'tsup'
import { bundledFiles, licencesOf } from './build/licences.js'
import { pageScriptFile, pageScriptModule } from './build/page-script.js'

// What the entry points carry inside them, so that nobody installs it: with its licences, in the file named below.
const bundled = [/^@noble\//, /^@stdlib\//, /^date-fns/, /^@date-fns\//, /^d3-/, /^internmap$/]
const licencesFile = 'THIRD-PARTY-LICENSES.txt'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

// What is built side by side may differ in what it needs.
const filesOfPackages = new Set<string>()

/**
 * Writes the licences and notices of every package that really went into the output, found in what esbuild says it
 * put there. Each text is written once, under the packages that it is for.
 */
function thirdPartyLicences(): Plugin {
  return {
    name: 'third-party-licences',
    setup(build): void {
      build.onEnd(({ metafile }) => {
        for (const file of metafile === undefined ? [] : bundledFiles(metafile)) filesOfPackages.add(file)
        const { outdir } = build.initialOptions
        if (filesOfPackages.size === 0 || outdir === undefined) return
        mkdirSync(outdir, { recursive: true })
        writeFileSync(join(outdir, licencesFile), licencesOf(filesOfPackages))
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

let begin = (): void => undefined
const begun = new Promise<void>((settle) => (begin = settle))

/** Lets one build begin when another, which first empties the folder of both, has begun. */
function inTurn(turn: 'first' | 'second'): Plugin {
  return {
    name: 'in-turn',
    setup(build): void {
      build.onStart(() => (turn === 'first' ? begin() : begun))
    },
  }
}

/** Takes the front doors of the library as they are built beside the command. */
function frontDoorsOutside(): Plugin {
  return {
    name: 'front-doors-outside',
    setup(build): void {
      build.onResolve({ filter: /^\.\.?\/.*index\.js$/ }, ({ path, resolveDir }) => {
        const found = /^src\/(?:([a-z]+)\/)?index\.js$/.exec(relative(process.cwd(), join(resolveDir, path)))
        return found === null ? undefined : { path: `./${found[1] ?? 'index'}.js`, external: true }
      })
    },
  }
}

const esbuildOptions: NonNullable<Options['esbuildOptions']> = (options) => {
  // They go into the file of licences, where every page that loads the code need not carry them.
  options.legalComments = 'none'
  // The library's own plain forms of three helpers. The others ask with eval, which a page's content security policy
  // may forbid, whether generator functions exist, or bring a code generator along.
  options.alias = {
    '@stdlib/math-base-tools-sum-series': '@stdlib/math-base-tools-sum-series/lib/basic.js',
    '@stdlib/math-base-tools-continued-fraction': '@stdlib/math-base-tools-continued-fraction/lib/basic.js',
    '@stdlib/math-base-tools-evalpoly': '@stdlib/math-base-tools-evalpoly/lib/main.js',
  }
}

// knip finds the entry points by the name `entry`.
const entryPoints = {
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
}

const library: Options = {
  entry: {
    ...entryPoints.entry,
    // What of the panel runs in a page. It is not an entry point, but a file apart from what runs on a server: a bundler
    // that keeps or drops whole files, as that of Next.js does, would carry all statistics into the page otherwise.
    'panel-in-page': 'src/panel/browser/mount-panel.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2022',
  // One copy of the error class, however many entry points are imported.
  splitting: true,
  clean: true,
  noExternal: bundled,
  esbuildPlugins: [inTurn('first'), thirdPartyLicences(), pageScript()],
  esbuildOptions,
  dts: { entry: entryPoints.entry, compilerOptions: { ignoreDeprecations: '6.0' } },
}

// The program, apart: nothing of it is in what the library's entry points share.
const command: Options = {
  entry: { command: 'src/command/main.ts' },
  format: ['esm'],
  target: 'es2022',
  splitting: false,
  // Everything but the front doors, and what it asks for by name when it runs.
  noExternal: [/^[^.]/],
  banner: {
    // Packages in CommonJS, bundled, ask for Node's own modules with require.
    js: "#!/usr/bin/env node\nimport { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
  },
  esbuildPlugins: [inTurn('second'), frontDoorsOutside(), thirdPartyLicences()],
  esbuildOptions,
}

const config: Options[] = [library, command]

export default config
