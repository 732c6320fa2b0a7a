import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libchdbPath } from 'chdb/libchdb'

/** A real ClickHouse server on loopback. */
export interface EngineServer {
  readonly url: string
  readonly httpPort: number
  readonly tcpPort: number
  /** Where its data lies. */
  readonly path: string
  /** Ends the process as a crash would, keeping its data. */
  kill(): Promise<void>
  /** Ends the process and removes its data. */
  stop(): Promise<void>
}

export interface EngineServerOptions {
  /** XML inside <clickhouse>: server settings, remote_servers, … */
  readonly config?: string
  /** More users without a password, by name, and what they are granted. */
  readonly users?: Readonly<Record<string, readonly string[]>>
  /** Where its data lies, to start again on what a killed server left; a new temporary folder unless given. */
  readonly path?: string
  /** The ports to serve on, to start again where a killed server was; free ones unless given. */
  readonly ports?: { readonly http: number; readonly tcp: number }
}

// The users that tests speak as: `default` may do anything, `reader` is a readonly = 1 user. The others are readonly = 1
// too and may read the database `exposures` only: `granted` may also see what runs; of `watched`, the server itself
// sees that he is gone; `granted_least` has nothing more.
const usersXml = `<clickhouse>
  <profiles><default/><reader><readonly>1</readonly></reader>
    <watched><readonly>1</readonly>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close></watched>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota><access_management>1</access_management>
    </default>
    <reader>
      <password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>reader</profile><quota>default</quota>
    </reader>
    <granted_least>
      <password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>reader</profile><quota>default</quota>
      <grants><query>GRANT SELECT ON exposures.*</query></grants>
    </granted_least>
    <granted>
      <password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>reader</profile><quota>default</quota>
      <grants>
        <query>GRANT SELECT ON exposures.*</query>
        <query>GRANT SELECT(query_id, user, query) ON system.processes</query>
      </grants>
    </granted>
    <watched>
      <password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>watched</profile><quota>default</quota>
      <grants><query>GRANT SELECT ON exposures.*</query></grants>
    </watched>
  </users>
</clickhouse>`

function usersOf(users: NonNullable<EngineServerOptions['users']>): string {
  return Object.entries(users)
    .map(
      ([name, grants]) => `<${name}>
      <password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants>${grants.map((grant) => `<query>GRANT ${grant}</query>`).join('')}</grants>
    </${name}>`,
    )
    .join('')
}

/** Starts a ClickHouse server in a child process and waits until it answers. */
export async function startServer(options: EngineServerOptions = {}): Promise<EngineServer> {
  const path = options.path ?? (await mkdtemp(join(tmpdir(), 'first-exposure-server-')))
  const [httpPort, tcpPort] =
    options.ports === undefined ? await freePorts() : [options.ports.http, options.ports.tcp]
  const usersPath = join(path, 'users.xml')
  const configPath = join(path, 'config.xml')
  await writeFile(usersPath, usersXml.replace('</users>', `${usersOf(options.users ?? {})}</users>`))
  await writeFile(
    configPath,
    `<clickhouse>
      <user_directories><users_xml><path>${usersPath}</path></users_xml></user_directories>
      ${options.config ?? ''}
    </clickhouse>`,
  )
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('server-process.mjs', import.meta.url)),
      libchdbPath(),
      'clickhouse',
      '--multiquery',
      '--listen_host=127.0.0.1',
      `--http_port=${httpPort}`,
      `--tcp_port=${tcpPort}`,
      `--path=${path}`,
      `--config-file=${configPath}`,
      // The last statement waits for standard input to end, and keeps the server up meanwhile.
      "--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT count() FROM file('-', LineAsString)",
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))

  // Nothing is left behind by a process that ends before it stops its server, as a bench does that is interrupted.
  const abandon = (): void => {
    child.kill('SIGKILL')
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  process.once('exit', abandon)
  const kill = async (): Promise<void> => {
    process.removeListener('exit', abandon)
    child.kill('SIGKILL')
    await exited
  }
  const stop = async (): Promise<void> => {
    await kill()
    await rm(path, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${httpPort}`
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null || child.signalCode !== null) break
    const answers = await fetch(`${url}/ping`).then(
      (response) => response.ok,
      () => false,
    )
    if (answers) return { url, httpPort, tcpPort, path, kill, stop }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await stop()
  throw new Error(`The ClickHouse server did not come up:\n${errors}`)
}

/** Two ports that were free a moment ago: the engine cannot be asked for port 0 and then for what it got. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject).listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return [ports[0] ?? 0, ports[1] ?? 0]
}
