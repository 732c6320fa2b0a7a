import { defineConfig, type ViteUserConfig } from 'vitest/config'
import usual from '../../vitest.config.js'
import { QuickestFirst } from './quickest-first.js'

// Mutants are tried in threads, and those crash the embedded ClickHouse: the tests that need none must tell them.
const config: ViteUserConfig = defineConfig({
  resolve: usual.resolve ?? {},
  test: {
    include: [
      'test/*.test.ts',
      'test/{time,sql,experiment,scan,questions,refresh,view,statistics}/**/*.test.ts',
      // The other reader of stored summaries.
      'test/flagsmith/flagsmith-exposures.test.ts',
      // The other decoder of exposed identities.
      'test/clickhouse/stream-exposed-identities.test.ts',
      // What the guards of a statement refuse.
      'test/clickhouse/refused-by-statement.test.ts',
      // The queries of a table that has a rollup.
      'test/rollup/{rolled-up,rollup-schema}.test.ts',
    ],
    exclude: [
      'test/checks/house.test.ts',
      'test/**/*.engine.test.ts',
      'test/questions/aliases.test.ts',
      'test/{sql,scan}/**/*.property.test.ts',
      'test/questions/*.property.test.ts',
      'test/questions/!(summary)/*.property.test.ts',
      'test/questions/summary/laws-*.property.test.ts',
      // Every time zone there is, anew for every mutant: the examples of the same functions are quicker to tell.
      'test/refresh/encoding.property.test.ts',
      'test/time/*.property.test.ts',
      // A thread has no time zone of its own.
      'test/view/process-zone.test.ts',
      // Thousands of simulated or enumerated experiments, or a minute of sums where each step is watched: the other tests
      // of the same functions are quicker to tell.
      'test/statistics/{calibration,exact-tail-level,many-arms}.test.ts',
    ],
    isolate: false,
    setupFiles: ['test/checks/mutation/setup.ts'],
    sequence: { sequencer: QuickestFirst },
    env: { FIRST_EXPOSURE_RUNS: '0.05' },
    testTimeout: 30_000,
  },
})

export default config
