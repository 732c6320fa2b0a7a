import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@clickhouse/client'
import { engineAvailable } from '../../engine/availability.js'
import { createEventsTable, insertEvents } from '../../engine/events-table.js'
import { startServer, type EngineServer } from '../../engine/server.js'
import { lowestOf, manifest, project } from '../package/manifest.js'
import { mustBe, Skipped, type Cell } from './cell.js'
import { consumer, run, versionOf, writeScript, type Workspace } from './workspace.js'

// The lowest version that package.json allows, and the newest, which the tests use.
const clients = Object.entries(manifest.peerDependencies).map(([name, range]) => ({
  name,
  versions: [lowestOf(range), manifest.devDependencies[name] ?? ''],
}))
const database = 'matrix'

const summary = {
  excludedIdentities: 1,
  timeseries: {
    granularity: 'hour',
    timeZone: 'UTC',
    points: [{ bucket: '2026-06-01T12:00:00.000Z', newIdentities: { control: 2, 'one-page': 1 } }],
  },
}

/** Both official clients, against a real server; their types against the compiler of this project. */
export function clientCells(workspace: Workspace): { readonly cells: Cell[]; close(): Promise<void> } {
  let server: Promise<EngineServer> | undefined

  const cells = clients.flatMap(({ name, versions }) =>
    versions.map((version) => ({
      group: 'client',
      title: `${name} ${version}`,
      async run(): Promise<string> {
        if (!engineAvailable) throw new Skipped('there is no embedded ClickHouse for this platform')
        const packages = [`${name}@${version}`, `@types/node@${manifest.devDependencies['@types/node']}`]
        const cwd = await workspace.project(`${name.replaceAll(/\W/g, '-')}-${version}`, packages)
        mustBe(await versionOf(cwd, name), version)
        const code = (await consumer('official-client')).replace("'@clickhouse/client'", `'${name}'`)
        await writeScript(code, 'esm', cwd, 'host.mjs')
        await writeFile(join(cwd, 'host.mts'), code)
        const options = {
          target: 'es2022',
          lib: ['ES2022', 'DOM', 'DOM.Iterable'],
          types: ['node'],
          module: 'nodenext',
          noEmit: true,
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
        }
        await writeFile(
          join(cwd, 'tsconfig.json'),
          JSON.stringify({ compilerOptions: options, files: ['host.mts'] }),
        )
        await run(process.execPath, [join(project, 'node_modules/typescript/bin/tsc'), '-p', cwd], cwd)
        const { url } = await (server ??= serverWithEvents())
        mustBe(JSON.parse(await run(process.execPath, ['host.mjs', url, database], cwd)), {
          whole: summary,
          inParts: summary,
          refreshed: 'refreshed',
          failed: 'unknown-table',
          stopped: 'aborted',
        })
        return 'types checked; queries, in one and in parts, and a failure, on a ClickHouse server'
      },
    })),
  )
  return {
    cells,
    close: async () => {
      // One that did not start has failed its cells already.
      await (await server?.catch(() => undefined))?.stop()
    },
  }
}

async function serverWithEvents(): Promise<EngineServer> {
  const server = await startServer()
  const client = createClient({ url: server.url })
  await client.command({ query: `CREATE DATABASE ${database}` })
  await createEventsTable(client, `${database}.events`)
  const exposure = (identity: string, variant: string): Parameters<typeof insertEvents>[1][number] => ({
    environment: 'prod',
    event: '$flag_exposure',
    feature: 'checkout',
    timestampMs: Date.UTC(2026, 5, 1, 12),
    identity,
    variant,
  })
  const exposures = [exposure('ann', 'control'), exposure('bob', 'control'), exposure('cyd', 'one-page')]
  const twice = [exposure('dan', 'control'), exposure('dan', 'one-page')]
  await insertEvents(client, [...exposures, ...twice], `${database}.events`)
  await client.close()
  return server
}
