import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { longTests, slowTests } from '../slow-tests.js'
import usual from '../../vitest.config.js'

const config: ViteUserConfig = defineConfig({
  plugins: usual.plugins ?? [],
  resolve: usual.resolve ?? {},
  test: {
    ...usual.test,
    include: [...slowTests],
    exclude: ['test/checks/package/**', ...longTests],
    typecheck: { enabled: false },
  },
})

export default config
