import { defineConfig, type ViteUserConfig } from 'vitest/config'
import usual from '../../vitest.config.js'

const times = process.env['FIRST_EXPOSURE_RUNS'] ?? '100'

// Every property, a hundred times as often as usual. It takes a night: `npm run test:soak -- test/refresh` is a part.
const config: ViteUserConfig = defineConfig({
  plugins: usual.plugins ?? [],
  resolve: usual.resolve ?? {},
  test: {
    ...usual.test,
    exclude: ['test/checks/package/**'],
    include: [
      'test/**/*.{property,model}.test.ts',
      // These hold properties among their examples.
      'test/clickhouse/classify-failure.test.ts',
      'test/panel/panel.browser.test.ts',
      'test/stores/*.test.ts',
      'test/questions/summary/cluster.engine.test.ts',
    ],
    env: { FIRST_EXPOSURE_RUNS: times },
    // None: a law that is cut off goes on beside the next one, whose table it fills.
    testTimeout: 0,
    typecheck: { enabled: false },
    reporters: ['verbose'],
  },
})

export default config
