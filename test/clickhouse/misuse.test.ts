import { exposureSpec, exposureWindow, initialRefreshState, type RefreshState } from 'first-exposure'
import {
  fetchCrossovers,
  fetchExposureLedger,
  fetchExposuresBreakdown,
  fetchExposuresSummaries,
  fetchExposuresSummary,
  fetchIdentityTimeline,
  memoryRefreshStore,
  refreshExposures,
  refreshStoredExposures,
  type ExposureClient,
} from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'
import { refused } from '../refusal-of.js'

const spec = exposureSpec({
  environmentKey: 'prod',
  featureName: 'checkout',
  breakdown: { column: 'sdk_language' },
})
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
let asked = 0
const client: ExposureClient = {
  query: async () => {
    asked++
    return { json: async () => [] }
  },
}
const controller = new AbortController()

/** What a promise is refused with; what it answers, where it is not refused. */
async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.catch((error: unknown) => {
    const { code, message, details } = error as { code: unknown; message: unknown; details: unknown }
    return { code, message, details }
  })
}

const aClient = 'Pass a ClickHouse client.'
const aSignal = 'Pass an AbortSignal, such as the signal of an AbortController.'
const aStore = 'Pass a store with load and save, such as memoryRefreshStore().'
const aKey = 'Pass text that is not empty and has no lone surrogates.'
const aState = 'Pass initialRefreshState, or a state that this library returned.'

describe.each<
  [string, (client: ExposureClient, options: { readonly signal?: AbortSignal }) => Promise<unknown>]
>([
  ['fetchExposuresSummary', (client, options) => fetchExposuresSummary(client, spec, window, options)],
  [
    'fetchExposuresSummary of partitions',
    (client, options) => fetchExposuresSummary(client, spec, window, { ...options, partitions: 2 }),
  ],
  ['fetchExposuresBreakdown', (client, options) => fetchExposuresBreakdown(client, spec, window, options)],
  ['fetchExposureLedger', (client, options) => fetchExposureLedger(client, spec, window, options)],
  ['fetchCrossovers', (client, options) => fetchCrossovers(client, spec, window, options)],
  ['fetchIdentityTimeline', (client, options) => fetchIdentityTimeline(client, spec, window, 'i', options)],
])('%s', (_, call) => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
    ['a string', 'http://default:hunter2@localhost:8123'],
    ['a string', 'hunter2'],
  ])('without a client: %s', async (received, given) => {
    expect(await refusalOf(call(given as never, {}))).toEqual(
      refused('invalid-spec', 'client', received, aClient),
    )
  })

  test.each<[what: string, answer: unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', '[]'],
    ['an object', {}],
  ])('whose client answers %s', async (what, answer) => {
    const query = async (): Promise<never> => await Promise.resolve(answer as never)
    expect(await refusalOf(call({ query }, {}))).toEqual(
      refused('invalid-spec', 'client', what, aClient, `client.query answered ${what}, which has no json.`),
    )
  })

  test('with a controller instead of its signal', async () => {
    expect(await refusalOf(call(client, { signal: controller as never }))).toEqual(
      refused('invalid-spec', 'signal', 'an object', aSignal),
    )
  })
})

test('fetchExposuresSummaries with a controller instead of its signal', async () => {
  const options = { signal: controller as never }
  expect(await refusalOf(fetchExposuresSummaries(client, [{ spec, window }], options))).toEqual(
    refused('invalid-spec', 'signal', 'an object', aSignal),
  )
})

describe('a refresh', () => {
  const input = {
    client,
    spec,
    experiment: { startedAt: window.startMs, endedAt: null },
    now: window.asOfMs,
  }
  const alone = { ...input, state: initialRefreshState }
  const stored = { ...input, store: memoryRefreshStore(), key: 'checkout' }

  test.each([
    ['refreshExposures', (given: unknown) => refreshExposures(given as never)],
    ['refreshStoredExposures', (given: unknown) => refreshStoredExposures(given as never)],
  ])('%s without anything', async (_, call) => {
    for (const given of [undefined, null]) {
      expect(await refusalOf(call(given))).toMatchObject({
        code: 'invalid-policy',
        details: { path: 'input', received: String(given) },
      })
    }
  })

  test.each<[path: string, received: string, advice: string, change: object]>([
    ['client', 'undefined', aClient, { client: undefined }],
    ['client', 'a string', aClient, { client: 'hunter2' }],
    ['signal', 'an object', aSignal, { signal: controller }],
    ['signal', 'a string', aSignal, { signal: 'hunter2' }],
    ['random', 'a number', 'Pass a function.', { random: 0.5 }],
  ])('%s is %s, alone and stored', async (path, received, advice, change) => {
    const refusal = refused('invalid-policy', path, received, advice)
    expect(await refusalOf(refreshExposures({ ...alone, ...change }))).toEqual(refusal)
    expect(await refusalOf(refreshStoredExposures({ ...stored, ...change }))).toEqual(refusal)
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
  ])('whose state is %s', async (received, state) => {
    expect(await refusalOf(refreshExposures({ ...alone, state: state as never }))).toMatchObject({
      code: 'malformed-state',
      message: expect.stringContaining(aState),
      details: { path: 'state', received },
    })
  })

  test.each<[path: string, received: string, advice: string, change: object]>([
    ['store', 'undefined', aStore, { store: undefined }],
    ['store', 'an object', aStore, { store: new Map() }],
    ['store', 'a string', aStore, { store: 'hunter2' }],
    ['store', 'an object', aStore, { store: { load: async () => null } }],
    ['key', 'undefined', aKey, { key: undefined }],
    ['key', '""', aKey, { key: '' }],
    ['key', '7', aKey, { key: 7 }],
  ])('%s is %s', async (path, received, advice, change) => {
    expect(await refusalOf(refreshStoredExposures({ ...stored, ...change }))).toEqual(
      refused('invalid-policy', path, received, advice),
    )
    // Nothing was stored under what is no key.
    expect(await stored.store.load('undefined')).toBe(null)
    expect(await stored.store.load(undefined as never)).toBe(null)
  })

  test('with a field that there is not says nothing of its value', async () => {
    expect(
      await refusalOf(refreshStoredExposures({ ...stored, password: 'hunter2' } as never)),
    ).toMatchObject({
      code: 'invalid-policy',
      message: expect.stringMatching(/^Unknown field password\. /),
      details: { path: 'password', received: 'a string' },
    })
  })

  test('of a store that gives something else than a state overwrites nothing', async () => {
    let saves = 0
    const store = {
      load: async () => ({ text: '{}', version: 1 }) as unknown as { state: RefreshState; version: number },
      save: async () => {
        saves++
        return { type: 'saved', version: 2 } as const
      },
    }
    expect(await refusalOf(refreshStoredExposures({ ...stored, store }))).toMatchObject({
      code: 'malformed-state',
      details: { path: 'stored.state', received: 'undefined' },
    })
    expect(saves).toBe(0)
  })

  test.each([new Date(window.asOfMs), '2026-06-15T00:00:00Z'])('now may be %s', async (now) => {
    const before = asked
    const { state, outcome } = await refreshExposures({ ...alone, now })
    expect(outcome).toEqual({ type: 'refreshed', asOf: window.asOfMs })
    expect(state).toMatchObject({ requestedAt: window.asOfMs, success: { at: window.asOfMs } })
    expect(asked).toBe(before + 1)
    const later = await refreshStoredExposures({ ...stored, key: String(now), now })
    expect(later.outcome).toEqual({ type: 'refreshed', asOf: window.asOfMs })
  })

  test.each<[string, unknown]>([
    ['an invalid Date', new Date(NaN)],
    ['undefined', undefined],
    ['"yesterday"', 'yesterday'],
  ])('now as %s is refused by its name', async (received, now) => {
    for (const refusal of [
      await refusalOf(refreshExposures({ ...alone, now: now as never })),
      await refusalOf(refreshStoredExposures({ ...stored, now: now as never })),
    ]) {
      expect(refusal).toMatchObject({ code: 'invalid-instant', details: { path: 'now', received } })
    }
  })

  test('of instants in seconds', async () => {
    const experiment = { startedAt: window.startMs / 1000, endedAt: null }
    expect(await refusalOf(refreshExposures({ ...alone, experiment }))).toMatchObject({
      code: 'invalid-instant',
      details: { path: 'experiment.startedAt' },
    })
    expect(await refusalOf(refreshExposures({ ...alone, now: window.asOfMs / 1000 }))).toMatchObject({
      code: 'invalid-instant',
      details: { path: 'now' },
    })
  })
})
