import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** What the server behind the proxy answered, whole and unpacked. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** One request on its way through the proxy, for a fault to spoil. */
interface Exchange {
  readonly path: string
  readonly query: string
  readonly response: ServerResponse
  /** The client's connection. */
  readonly socket: Socket
  /** Asks the server, and says what it answered. */
  readonly ask: () => Promise<Answer>
}

/** Answers, or does worse. */
export type Fault = (exchange: Exchange) => void | Promise<void>

/** A proxy on loopback that does what it is told to the next queries, and passes on all else, such as KILL QUERY. */
export interface FaultProxy {
  readonly url: string
  /** The statements that came, in order. */
  readonly seen: readonly string[]
  /** What happens to queries that are no KILL QUERY; `null`: nothing. */
  fault: Fault | null
  /** Stops listening, as a server that is down; connections that are open are closed. */
  refuse(): Promise<void>
  /** Listens again, at the same port. */
  accept(): Promise<void>
  /** Closes the connections that wait for a next request. */
  hangUp(): void
}

/** Starts a proxy in front of a ClickHouse server's HTTP port. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const seen: string[] = []
  const server = createServer((incoming, response) => {
    void exchange(incoming, response)
  })
  const proxy = { url: '', seen, fault: null as Fault | null, refuse, accept, hangUp }

  async function exchange(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const query = await bodyOf(incoming).catch(() => null)
    if (query === null) return
    const path = incoming.url ?? '/'
    seen.push(query.toString())
    const ask = async (): Promise<Answer> => await askTarget(targetPort, path, incoming.headers, query)
    const pass: Fault = async () => {
      send(response, await ask())
    }
    const spoil = proxy.fault === null || query.toString().startsWith('KILL QUERY') ? pass : proxy.fault
    try {
      await spoil({ path, query: query.toString(), response, socket: incoming.socket, ask })
    } catch {
      // The server behind is gone: so is this connection.
      incoming.socket.destroy()
    }
  }

  let port = 0
  async function accept(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    port = (server.address() as AddressInfo).port
    proxy.url = `http://127.0.0.1:${port}`
  }
  async function refuse(): Promise<void> {
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve()
      })
      server.closeAllConnections()
    })
  }
  function hangUp(): void {
    server.closeIdleConnections()
  }
  await accept()
  return proxy
}

/** Passes an answer on, or part of it. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  writeHead(response, { status, headers })
  response.end(body)
}

/** Passes on the status and the headers, but those of the connection and those that say how the body is packed. */
export function writeHead(response: ServerResponse, { status, headers }: Omit<Answer, 'body'>): void {
  const {
    'content-length': _,
    'transfer-encoding': __,
    'content-encoding': ___,
    connection: ____,
    ...rest
  } = headers
  response.writeHead(status, rest)
}

async function askTarget(
  port: number,
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { ...headers, connection: 'close' },
        agent: false,
      },
      (answer) => {
        const unpacked = async (): Promise<Answer> => {
          const packed = await bodyOf(answer)
          const body = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed
          return { status: answer.statusCode ?? 0, headers: answer.headers, body }
        }
        unpacked().then(resolve, reject)
      },
    )
    asked.once('error', reject).end(body)
  })
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
