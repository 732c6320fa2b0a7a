import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Client, type ClientConfig } from 'pg'

const debian = '/usr/lib/postgresql'

/** Where the PostgreSQL server is installed: Debian's newest, or one on the PATH; `undefined` if no server is installed. */
const binaries: string | undefined = [
  ...(existsSync(debian)
    ? readdirSync(debian)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(debian, version, 'bin'))
    : []),
  ...(process.env['PATH'] ?? '').split(delimiter),
].find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))

/** The server refuses to run as root. Debian's package has a user for it. */
const serverUser: { readonly uid: number; readonly gid: number } | undefined = userForServer()

/** Whether PostgreSQL can be started here. If not, the tests that need it are skipped. */
export const postgresAvailable: boolean =
  binaries !== undefined && (process.getuid?.() !== 0 || serverUser !== undefined)

/** A PostgreSQL server on loopback, with its own data. */
export interface PostgresServer {
  readonly config: ClientConfig & { readonly host: string; readonly port: number }
  /** Stops it and removes its data. */
  stop(): Promise<void>
}

/** Starts a server on a free port and waits until it answers. */
export async function startPostgres(): Promise<PostgresServer> {
  if (binaries === undefined)
    throw new Error(
      'PostgreSQL is not installed here. Install it (apt-get install postgresql), or set DATABASE_URL.',
    )
  const folder = mkdtempSync(join(tmpdir(), 'first-exposure-postgres-'))
  if (serverUser !== undefined) chownSync(folder, serverUser.uid, serverUser.gid)
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const data = join(folder, 'data')
  const asServer = { cwd: folder, ...serverUser }
  try {
    execFileSync(
      join(binaries, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
      { ...asServer, stdio: 'pipe' },
    )
    // The port was free a moment ago. If another process has taken it, the server ends, and we try another port.
    for (let attempt = 0; attempt < 5; attempt++) {
      const config = { host: '127.0.0.1', port: await freePort(), user: 'postgres', database: 'postgres' }
      const server = spawn(
        join(binaries, 'postgres'),
        // The data does not have to survive a power cut. Listen only on loopback.
        [
          '-D',
          data,
          '-h',
          '127.0.0.1',
          '-p',
          String(config.port),
          '-c',
          'unix_socket_directories=',
          '-c',
          'fsync=off',
        ],
        // A Ctrl-C must reach only this process, which still needs the server.
        { ...asServer, stdio: 'ignore', detached: true },
      )
      const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()))
      if (await answers(server, config)) {
        return {
          config,
          stop: async () => {
            // Stops it at once, even if somebody is connected.
            server.kill('SIGINT')
            await exited
            remove()
          },
        }
      }
      server.kill('SIGKILL')
      await exited
    }
    throw new Error('PostgreSQL did not start')
  } catch (error) {
    remove()
    throw error
  }
}

async function answers(server: ChildProcess, config: ClientConfig): Promise<boolean> {
  while (server.exitCode === null && server.signalCode === null) {
    const client = new Client(config)
    try {
      await client.connect()
      await client.end()
      return true
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return false
}

function userForServer(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }))
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
