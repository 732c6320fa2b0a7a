import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeRefreshState,
  exposureSpec,
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  type RefreshEvent,
  type RefreshState,
} from 'first-exposure'
import { refreshStoredExposures, type RefreshStore } from 'first-exposure/clickhouse'
import { refreshEvents } from '../arbitraries/refresh-event.js'
import { runs } from '../arbitraries/runs.js'

/** What the contract needs of a store. */
export interface StoreUnderTest {
  /** The stores of several hosts: connections of their own to the same table. One and the same, where there is but one. */
  readonly hosts: readonly RefreshStore[]
  /** The text that is stored under a key, read past the store; a store in memory has none to show. */
  readonly textOf?: (key: string) => Promise<string | undefined>
  /** Puts any text there, past the store. */
  readonly putText?: (key: string, text: string) => Promise<void>
}

const at = Date.UTC(2026, 5, 1)
const requested = (minute: number): RefreshState =>
  reduceRefresh<never>(initialRefreshState, {
    type: 'requested',
    at: at + minute * 60_000,
  })

// Pairs of them are easily taken for one another: by case, by padding, by normalisation, by a lossy encoding.
const oddKeys: readonly string[] = [
  '',
  ' ',
  'checkout',
  'Checkout',
  'checkout ',
  'check%',
  'check_',
  '\u0000',
  'a\u0000b',
  'a\u0000c',
  'a\\u0000b',
  '\\',
  '\\\\',
  "'; DROP TABLE refresh_state; --",
  '"',
  '$1',
  '?',
  '__proto__',
  'constructor',
  'é',
  'e\u0301',
  '😀',
  '\ud83d',
  '\ude00',
  '\ufffd',
  '\n',
  'null',
  '0',
  '00',
  'k'.repeat(2000),
]

/** What every `RefreshStore` must do, whatever it keeps the states in. Keys are made new by each test. */
export function refreshStoreContract(store: () => StoreUnderTest): void {
  const first = (): RefreshStore => store().hosts[0] as RefreshStore
  const last = (): RefreshStore => store().hosts.at(-1) as RefreshStore
  let keys = 0
  const newKey = (): string => `key ${++keys}`

  test('nothing is stored under a new key', async () => {
    expect(await first().load(newKey())).toBeNull()
  })

  test('saves, and every host loads it', async () => {
    const key = newKey()
    const saved = await first().save(key, requested(1), null)
    expect(saved.type).toBe('saved')
    for (const host of store().hosts) {
      expect(await host.load(key)).toEqual({
        state: requested(1),
        version: saved.type === 'saved' ? saved.version : undefined,
      })
    }
  })

  test('a save that expects nothing conflicts with what is there', async () => {
    const key = newKey()
    await first().save(key, requested(1), null)
    expect(await last().save(key, requested(2), null)).toEqual({
      type: 'conflict',
    })
    expect((await first().load(key))?.state).toEqual(requested(1))
  })

  test('a save that expects something conflicts where nothing is, and stores nothing', async () => {
    const other = await first().save(newKey(), requested(1), null)
    const key = newKey()
    if (other.type === 'saved') {
      expect(await last().save(key, requested(2), other.version)).toEqual({
        type: 'conflict',
      })
    }
    expect(await first().load(key)).toBeNull()
  })

  test('every save has a version of its own, and only the latest may be replaced', async () => {
    const key = newKey()
    const versions: unknown[] = [null]
    // The same state each time: a version tells saves apart, not states.
    for (let count = 0; count < 4; count++) {
      const saved = await first().save(key, requested(1), versions.at(-1))
      if (saved.type === 'saved') versions.push(saved.version)
    }
    expect(new Set(versions).size).toBe(5)
    for (const stale of versions.slice(0, -1)) {
      expect(await last().save(key, requested(9), stale)).toEqual({
        type: 'conflict',
      })
    }
    expect((await last().load(key))?.state).toEqual(requested(1))
    expect((await last().save(key, requested(2), versions.at(-1))).type).toBe('saved')
  })

  test('of many hosts that save at once, one wins', async () => {
    const key = newKey()
    let version: unknown = null
    for (let round = 1; round <= 10; round++) {
      const { hosts } = store()
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, async (_, writer) => {
          const host = hosts[writer % hosts.length] as RefreshStore
          return await host.save(key, requested(round * 100 + writer), version)
        }),
      )
      const winner = outcomes.findIndex(({ type }) => type === 'saved')
      expect(outcomes.filter(({ type }) => type === 'saved')).toHaveLength(1)
      const stored = await first().load(key)
      expect(stored?.state).toEqual(requested(round * 100 + winner))
      version = stored?.version
    }
  })

  test('nothing is lost where many hosts load, join and save at once', async () => {
    const key = newKey()
    const { hosts } = store()
    await Promise.all(
      Array.from({ length: 8 }, (_, writer) =>
        join(
          hosts[writer % hosts.length] as RefreshStore,
          key,
          Array.from({ length: 5 }, (_, index) => succeeded(writer + index * 8)),
        ),
      ),
    )
    expect((await first().load(key))?.state.success?.summary.excludedIdentities).toBe(39)
  })

  test('odd keys are all different', async () => {
    const prefix = newKey()
    for (const key of oddKeys)
      expect((await first().save(prefix + key, requested(0), null)).type).toBe('saved')
    for (const [index, key] of oddKeys.entries()) {
      const stored = await last().load(prefix + key)
      expect(stored?.state, JSON.stringify(key)).toEqual(requested(0))
      const saved = await last().save(prefix + key, requested(index), stored?.version)
      expect(saved.type).toBe('saved')
    }
    for (const [index, key] of oddKeys.entries()) {
      expect((await first().load(prefix + key))?.state, JSON.stringify(key)).toEqual(requested(index))
    }
  })

  test('odd keys in any place of a key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 20 }), async (text) => {
        const key = `${newKey()} ${text}`
        await first().save(key, requested(1), null)
        expect((await last().load(key))?.state).toEqual(requested(1))
      }),
      { numRuns: runs(100) },
    )
  })

  test('outcomes that reach many hosts in any order end in the same stored bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        refreshEvents().chain((events) =>
          fc.tuple(
            fc.constant(events),
            fc.shuffledSubarray([...events, ...events], {
              minLength: events.length * 2,
            }),
            fc.array(fc.nat({ max: 3 }), {
              minLength: events.length * 2,
              maxLength: events.length * 2,
            }),
          ),
        ),
        async ([events, arrivals, hostOf]) => {
          const key = newKey()
          const { hosts, textOf } = store()
          await Promise.all(
            hosts.map((host, index) =>
              join(
                host,
                key,
                arrivals.filter((_, arrival) => (hostOf[arrival] ?? 0) % hosts.length === index),
              ),
            ),
          )
          const expected = encodeRefreshState(
            events.reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState),
          )
          const stored = await last().load(key)
          expect(encodeRefreshState(stored?.state ?? initialRefreshState)).toBe(expected)
          if (textOf !== undefined && events.length > 0) expect(await textOf(key)).toBe(expected)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test('of many hosts that refresh at once, one computes', async () => {
    const key = newKey()
    const { hosts } = store()
    let computations = 0
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        const { outcome } = await refreshStoredExposures({
          client: {
            query: async () => {
              computations++
              await new Promise((resolve) => setTimeout(resolve, 20))
              return { json: async () => [] }
            },
          },
          spec: exposureSpec({
            environmentKey: 'production',
            featureName: 'checkout',
          }),
          experiment: { startedAt: at, endedAt: null },
          store: hosts[worker % hosts.length] as RefreshStore,
          key,
          now: at + 3_600_000,
        })
        return outcome.type
      }),
    )
    expect(computations).toBe(1)
    expect(outcomes.filter((type) => type === 'refreshed')).toHaveLength(1)
    expect(
      outcomes.filter((type) => type !== 'refreshed').every((type) => /in-flight|throttled/.test(type)),
    ).toBe(true)
    expect((await first().load(key))?.state.success?.asOf).toBe(at + 3_600_000)
  })

  test('a stored text that is none, or of a newer version, is an error and stays as it is', async ({
    skip,
  }) => {
    const { putText, textOf } = store()
    if (putText === undefined || textOf === undefined) {
      skip('nobody comes past a store in memory')
      return
    }
    for (const [text, code] of [
      ['', 'malformed-state'],
      ['{"failure":null,"requestedAt":17', 'malformed-state'],
      ['{"failure":null,"requestedAt":1.5,"success":null,"version":1}', 'malformed-state'],
      ['{"version":3}', 'unsupported-version'],
    ] as const) {
      const key = newKey()
      await putText(key, text)
      await expect(last().load(key)).rejects.toMatchObject({ code })
      await expect(
        refreshStoredExposures({
          client: {
            query: () => Promise.reject(new Error('nothing to compute here')),
          },
          spec: exposureSpec({
            environmentKey: 'production',
            featureName: 'checkout',
          }),
          experiment: { startedAt: at, endedAt: null },
          store: last(),
          key,
          now: at + 3_600_000,
        }),
      ).rejects.toMatchObject({ code })
      expect(await textOf(key)).toBe(text)
    }
  })

  test('a state that cannot be stored is refused, and what is stored stays', async () => {
    const key = newKey()
    const saved = await first().save(key, requested(1), null)
    const state = { requestedAt: Number.NaN, success: null, failure: null }
    await expect(
      first().save(key, state, saved.type === 'saved' ? saved.version : null),
    ).rejects.toMatchObject({ code: 'malformed-state' })
    expect((await last().load(key))?.state).toEqual(requested(1))
  })
}

/** A success whose number says which it is; the greatest wins. */
function succeeded(number: number): RefreshEvent {
  return {
    type: 'succeeded',
    asOf: at + number,
    at: at + number,
    summary: {
      excludedIdentities: number,
      timeseries: { granularity: 'hour', timeZone: 'UTC', points: [] },
    },
  }
}

/** What a host does with its outcomes: one by one, each joined to whatever is stored by then. */
async function join(store: RefreshStore, key: string, events: readonly RefreshEvent[]): Promise<void> {
  for (const event of events) {
    for (;;) {
      const stored = await store.load(key)
      const before = stored?.state ?? initialRefreshState
      const after = mergeRefreshStates(before, reduceRefresh(before, event))
      const saved = await store.save(key, after, stored?.version ?? null)
      if (saved.type === 'saved') break
    }
  }
}
