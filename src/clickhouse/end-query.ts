import type { ExposureClient } from './exposure-client.js'

const patienceMs = 5000

/**
 * Asks the server to end a query that nobody waits for any more; best effort. A server that cannot be reached, or a
 * user who may not, changes nothing: the query then ends by itself.
 */
export async function endQuery(client: ExposureClient, queryId: string): Promise<void> {
  const patience = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  // Some clients do not heed a signal; the wait ends all the same.
  const outOfPatience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      patience.abort()
      resolve()
    }, patienceMs)
  })
  const ended = askToEnd(client, queryId, patience.signal).catch(() => undefined)
  await Promise.race([ended, outOfPatience])
  clearTimeout(timer)
}

async function askToEnd(client: ExposureClient, queryId: string, signal: AbortSignal): Promise<void> {
  const answer = await client.query({
    query: 'KILL QUERY WHERE query_id = {query_id:String} ASYNC',
    query_params: { query_id: queryId },
    format: 'JSONEachRow',
    abort_signal: signal,
  })
  await answer.json()
}
