import * as fc from 'fast-check'
import {
  decodeRefreshState,
  encodeRefreshState,
  exposureSpec,
  initialRefreshState,
  type RefreshState,
} from 'first-exposure'
import { memoryRefreshStore, refreshStoredExposures, type ExposureClient } from 'first-exposure/clickhouse'
import { describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'

const minute = 60_000
const start = Date.UTC(2026, 5, 1)
const now = Date.UTC(2026, 5, 4)
const key = 'checkout'
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const experiment = { startedAt: start, endedAt: null }

/** How a run ends: with so many identities, or with an error of such a code. */
const ending = (): fc.Arbitrary<number | string> =>
  fc.oneof(fc.nat({ max: 9 }), fc.constantFrom('241', '60', 'ECONNREFUSED'))

interface Waiting {
  readonly finish: () => void
}

/** Runs that all have started, on hosts whose claims count as lost at once: they overlap as they never should. */
async function started(
  endings: readonly (number | string)[],
  store = memoryRefreshStore(),
): Promise<{
  readonly store: ReturnType<typeof memoryRefreshStore>
  readonly waiting: readonly Waiting[]
  readonly all: Promise<unknown>
}> {
  const waiting: Waiting[] = []
  const refreshes: Promise<unknown>[] = []
  for (const [i, end] of endings.entries()) {
    const client: ExposureClient = {
      query: async () =>
        await new Promise((resolve, reject) => {
          waiting.push({
            finish: () => {
              if (typeof end === 'string') reject(Object.assign(new Error('…'), { code: end }))
              else
                resolve({
                  json: async () => [
                    { quarantined: 0, variant: 'b', bucket: '2026-06-01 00:00:00', new_identities: end },
                  ],
                })
            },
          })
        }),
    }
    refreshes.push(
      refreshStoredExposures({
        client,
        spec,
        experiment,
        store,
        key,
        now: now + i * minute,
        policy: { throttleMs: 0, presumedLostAfterMs: 0 },
        random: () => 0,
      }),
    )
    while (waiting.length <= i) await new Promise(setImmediate)
  }
  return { store, waiting, all: Promise.all(refreshes) }
}

const shuffledIndexes = (n: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, i) => i),
    { minLength: n, maxLength: n },
  )

describe('refreshes that end in any order', () => {
  test('leave the same stored bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(ending(), { minLength: 1, maxLength: 6 })
          .chain((endings) =>
            fc.tuple(
              fc.constant(endings),
              shuffledIndexes(endings.length),
              shuffledIndexes(endings.length),
              fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
            ),
          ),
        async ([endings, one, other, together]) => {
          const texts: string[] = []
          for (const [order, atOnce] of [
            [one, together],
            [other, []],
            [one.toReversed(), together.map((each) => !each)],
          ] as const) {
            const { store, waiting, all } = await started(endings)
            for (const [i, index] of order.entries()) {
              waiting[index]?.finish()
              // Some end one after the other, and some while another's report is being saved.
              if (atOnce[i] !== true) await new Promise(setImmediate)
            }
            await all
            texts.push(encodeRefreshState((await store.load(key))?.state ?? initialRefreshState))
          }
          expect(new Set(texts).size).toBe(1)

          // And they are what was reported, joined by the reducer in plain order.
          const stored = decodeRefreshState(texts[0] ?? '')
          const lastSuccess = endings.findLastIndex((end) => typeof end === 'number')
          expect(stored.requestedAt).toBe(now + (endings.length - 1) * minute)
          expect(stored.success?.asOf).toBe(lastSuccess < 0 ? undefined : now + lastSuccess * minute)
          const lastFailure = endings.findLastIndex((end) => typeof end === 'string')
          expect(stored.failure?.asOf).toBe(
            lastFailure > lastSuccess ? now + lastFailure * minute : undefined,
          )
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test('never take back what was known', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(ending(), { minLength: 1, maxLength: 5 })
          .chain((endings) => fc.tuple(fc.constant(endings), shuffledIndexes(endings.length))),
        async ([endings, order]) => {
          const inner = memoryRefreshStore()
          let known: RefreshState = initialRefreshState
          const watched: typeof inner = {
            load: async (key) => await inner.load(key),
            save: async (key, state, version) => {
              const outcome = await inner.save(key, state, version)
              if (outcome.type === 'saved') {
                expect(state.success?.asOf ?? -Infinity).toBeGreaterThanOrEqual(
                  known.success?.asOf ?? -Infinity,
                )
                expect(state.requestedAt ?? -Infinity).toBeGreaterThanOrEqual(known.requestedAt ?? -Infinity)
                known = state
              }
              return outcome
            },
          }
          const { waiting, all } = await started(endings, watched)
          for (const index of order) waiting[index]?.finish()
          await all
        },
      ),
      { numRuns: runs(100) },
    )
  })
})
