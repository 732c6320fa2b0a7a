import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exposureSpec } from 'first-exposure'
import { memoryRefreshStore, refreshDueExposures, type ListedExperiment } from 'first-exposure/clickhouse'
import { webhookAlerts } from '../../examples/worker/webhook-alerts.js'

const posts: {
  readonly text: string
  readonly findings: readonly { readonly code: string; readonly change: string }[]
}[] = []
let answer = 200
let server: Server
let url = ''
beforeEach(async () => {
  posts.length = 0
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      if (answer === 200) posts.push(JSON.parse(body) as (typeof posts)[number])
      response.writeHead(answer).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=a-secret`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('posts what is new, once; and again if the webhook was down', async () => {
  const begin = Date.now() - 5 * 86_400_000
  const startedAt = begin - (begin % 86_400_000)
  const list: readonly ListedExperiment[] = [
    {
      key: 'checkout',
      spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
      experiment: { startedAt, endedAt: null },
    },
  ]
  let excluded = 0
  const bucket = new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ')
  const client = {
    query: async () => ({
      json: async () => [
        ...['control', 'green'].map((variant) => ({ quarantined: 0, variant, bucket, new_identities: 1000 })),
        { quarantined: 1, variant: null, bucket, new_identities: excluded },
      ],
    }),
  }
  const failures: string[] = []
  const policy = { throttleMs: 0 }
  const store = memoryRefreshStore()
  const alert = webhookAlerts({
    url,
    policy,
    experiments: () => list,
    onFailure: (reason) => void failures.push(reason),
  })
  let now = startedAt + 2 * 86_400_000
  const refresh = async (): Promise<void> => {
    now += 60_000
    await refreshDueExposures({ client, store, experiments: list, now: () => now, policy, onOutcome: alert })
  }
  await refresh()
  expect(posts).toEqual([])
  excluded = 200
  answer = 500
  await refresh()
  expect([posts.length, failures]).toEqual([0, ['HTTP status 500']])
  answer = 200
  await refresh()
  await refresh()
  expect(posts).toHaveLength(1)
  expect(posts[0]?.text).toMatch(/^warning: checkout: 200 of 2,?200 identities/)
  expect(posts[0]?.findings.map(({ code, change }) => `${code} ${change}`)).toEqual(['excluded began'])
  server.closeAllConnections()
  server.close()
  excluded = 0
  await refresh()
  expect(failures.at(-1)).toBe('TypeError')
  expect(failures.join()).not.toContain('a-secret')
})
