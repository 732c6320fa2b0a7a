// Bundles an entry for browsers, minified, with one of three bundlers: copied into the consumer's folder and run there.
// Usage: node bundle.mjs esbuild|vite|webpack ENTRY OUTPUT
import { basename, dirname, resolve } from 'node:path'

const [bundler, entry, output] = process.argv.slice(2)

const bundlers = {
  async esbuild() {
    const { build } = await import('esbuild')
    await build({
      entryPoints: [entry],
      outfile: output,
      bundle: true,
      minify: true,
      format: 'esm',
      logLevel: 'warning',
    })
  },
  async vite() {
    const { build } = await import('vite')
    await build({
      configFile: false,
      logLevel: 'warn',
      build: {
        outDir: dirname(output),
        emptyOutDir: false,
        modulePreload: false,
        rollupOptions: { input: entry, output: { entryFileNames: basename(output) } },
      },
    })
  },
  async webpack() {
    const { default: webpack } = await import('webpack')
    const stats = await new Promise((done, fail) => {
      webpack(
        {
          mode: 'production',
          entry: resolve(entry),
          output: { path: resolve(dirname(output)), filename: basename(output) },
          // A page with everything is more than its default budget for one.
          performance: false,
        },
        (error, result) => (error ? fail(error) : done(result)),
      )
    })
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString('errors-warnings'))
  },
}

await bundlers[bundler]()
