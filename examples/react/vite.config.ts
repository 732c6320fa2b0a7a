import { defineConfig, type UserConfig } from 'vite'

// Where the host service listens: see examples/host.
const service = process.env['SERVICE_URL'] ?? 'http://127.0.0.1:8480'
const proxy = { '/experiments': service }

const config: UserConfig = defineConfig({ server: { proxy }, preview: { proxy } })

export default config
