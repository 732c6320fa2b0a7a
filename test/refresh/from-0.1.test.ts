import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  decodeRefreshState,
  encodeRefreshState,
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  refreshDecision,
  refreshStatus,
  type RefreshEvent,
  type RefreshExperiment,
  type RefreshState,
} from 'first-exposure'
import { memoryRefreshStore, refreshStoredExposures } from 'first-exposure/clickhouse'
import { readFlagsmithExposures } from 'first-exposure/flagsmith'
import { entryPoints } from '../checks/docs/entry-points.js'

// What the released code of 0.1.0 exported, and what it wrote: `encodeRefreshState` and `writeFlagsmithExposures`.
const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/0.1', name), 'utf8'))

const names = fixture('names.json') as Readonly<Record<string, readonly string[]>>
const stored = fixture('stored-states.json') as readonly {
  readonly name: string
  readonly experiment: RefreshExperiment
  readonly events: readonly RefreshEvent[]
  readonly text: string
  readonly flagsmith: object | null
}[]

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const later = Date.UTC(2026, 5, 20)

test.each(Object.entries(names))('every name of %s is still there', (entry, exported) => {
  const now = Object.keys(entryPoints[entry] ?? {})
  expect(exported.filter((name) => !now.includes(name))).toEqual([])
})

describe.each(stored)('$name', ({ experiment, events, text, flagsmith }) => {
  const asked = { ...experiment, fingerprint: exposureFingerprint(spec, experiment.startedAt) }
  const state = decodeRefreshState(text)

  test('is read as what happened', () => {
    let happened: RefreshState = initialRefreshState
    for (const event of events) happened = reduceRefresh(happened, event)
    expect(state).toEqual(happened)
    expect(decodeRefreshState(encodeRefreshState(state))).toEqual(state)
  })

  test('a host that does not tell its fingerprint goes on as before', () => {
    const status = refreshStatus(state, experiment, later)
    expect('success' in status ? status.success : null).toEqual(state.success)
  })

  test('a host that tells it shows the old count as an old one, and asks for itself', async () => {
    const before = refreshStatus(state, asked, later)
    const former = 'former' in before ? before.former : undefined
    expect(former?.success ?? null).toEqual(state.success)
    expect(refreshDecision(state, asked, later).type).toBe('due')
    const store = memoryRefreshStore()
    await store.save('checkout', state, null)
    const { state: after } = await refreshStoredExposures({
      client: { query: async () => await Promise.resolve({ json: async () => await Promise.resolve([]) }) },
      spec,
      experiment,
      store,
      key: 'checkout',
      now: later,
    })
    const status = refreshStatus(after, asked, later)
    expect(['loaded', 'final']).toContain(status.type)
    expect('success' in status ? status.success?.summary.excludedIdentities : null).toBe(0)
    expect('former' in status ? status.former : undefined).toBeUndefined()
  })

  test.skipIf(flagsmith === null)('its row in Flagsmith’s form is read as the same counts', () => {
    const read = readFlagsmithExposures(flagsmith, experiment)
    expect(read.success?.summary).toEqual(state.success?.summary)
    expect(read.requestedAt).toBe(state.requestedAt)
    expect(read.failure === null).toBe(state.failure === null)
  })
})
