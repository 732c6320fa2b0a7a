import type { RefreshError } from '../refresh/refresh-state.js'
import type { ExposureClient } from './exposure-client.js'

const patienceMs = 5000

const stillRunning: ReadonlySet<string> = new Set([
  'aborted',
  // A gateway gave up waiting, or lost the server while the query ran.
  'gateway-timeout',
  'unavailable',
  'timeout',
  'connection-reset',
  // The server was telling its progress.
  'headers-too-large',
  'connection-timeout',
  'malformed-answer',
  'unknown',
])

/** Whether a query that failed in this way may still run on the server. */
export function mayStillRun({ code }: Pick<RefreshError, 'code'>): boolean {
  return stillRunning.has(code)
}

/**
 * Asks the server to kill an abandoned query; best effort. If the server cannot be reached, the user may not kill
 * queries or a proxy gives queries its own ids, the query runs to its end.
 *
 * @param partitions - the number of parts of the query; each has its own id
 */
export async function endQuery(client: ExposureClient, queryId: string, partitions = 1): Promise<void> {
  const patience = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  // Some clients ignore a signal, but the wait ends anyway.
  const outOfPatience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      patience.abort()
      resolve()
    }, patienceMs)
  })
  const ended = askToEnd(client, queryId, partitions, patience.signal).catch(() => undefined)
  await Promise.race([ended, outOfPatience])
  clearTimeout(timer)
}

async function askToEnd(
  client: ExposureClient,
  queryId: string,
  partitions: number,
  signal: AbortSignal,
): Promise<void> {
  const isOneOfThem =
    partitions === 1
      ? 'query_id = {query_id:String}'
      : "arrayExists(part -> query_id = concat({query_id:String}, '-', toString(part)), range({partitions:UInt32}))"
  const answer = await client.query({
    query: `KILL QUERY WHERE ${isOneOfThem} ASYNC`,
    query_params: {
      query_id: queryId,
      ...(partitions === 1 ? {} : { partitions }),
    },
    format: 'JSONEachRow',
    abort_signal: signal,
  })
  await answer.json()
}
