import { defineConfig, type ViteUserConfig } from 'vitest/config'

// What is checked of the built package, after `npm run build`.
const config: ViteUserConfig = defineConfig({
  test: { include: ['test/checks/package/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
})

export default config
