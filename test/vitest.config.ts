import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin, type ViteUserConfig } from 'vitest/config'
import { pageScriptFile, pageScriptModule } from '../build/page-script.js'
import { longTests, slowTests } from './checks/slow-tests.js'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** Puts the bundled script of a page into the place of its file, as the build does. */
const pageScript: Plugin = {
  name: 'page-script',
  load: (id) =>
    pageScriptFile.test(id) ? pageScriptModule(fileURLToPath(new URL('..', import.meta.url))) : undefined,
}

const config: ViteUserConfig = defineConfig({
  plugins: [pageScript],
  resolve: {
    alias: [
      { find: /^first-exposure$/, replacement: `${src}/index.ts` },
      { find: /^first-exposure\/(.+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // What needs the built package has a configuration of its own.
    exclude: ['test/checks/package/**', ...slowTests, ...longTests],
    // The embedded ClickHouse loads into processes only: threads crash it.
    pool: 'forks',
    maxWorkers: '100%',
    // A process for many files: loading vitest and the engine anew for each would take longer than most files do.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    typecheck: {
      enabled: true,
      include: ['test/checks/types/**/*.test-d.ts'],
      tsconfig: 'test/checks/types/tsconfig.json',
    },
  },
})

export default config
