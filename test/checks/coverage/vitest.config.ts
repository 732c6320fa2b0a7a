import { defineConfig, type ViteUserConfig } from 'vitest/config'
import usual from '../../vitest.config.js'

// What all tests together execute of src; a line that none can reach says why beside it.
const config: ViteUserConfig = defineConfig({
  plugins: usual.plugins ?? [],
  resolve: usual.resolve ?? {},
  test: {
    ...usual.test,
    exclude: ['test/checks/package/**'],
    typecheck: { enabled: false },
    coverage: {
      enabled: true,
      include: ['src/**/*.ts'],
      // The command is run as a program too, and the page in a browser; no count of lines sees either.
      exclude: ['src/command/**', 'src/panel/browser/**'],
      reporter: [['text', { skipFull: true }]],
      thresholds: { lines: 100 },
    },
  },
})

export default config
