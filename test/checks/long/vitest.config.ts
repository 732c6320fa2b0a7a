import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { longTests } from '../slow-tests.js'
import usual from '../../vitest.config.js'

const config: ViteUserConfig = defineConfig({
  plugins: usual.plugins ?? [],
  resolve: usual.resolve ?? {},
  test: {
    ...usual.test,
    include: [...longTests],
    exclude: ['test/checks/package/**'],
    typecheck: { enabled: false },
  },
})

export default config
