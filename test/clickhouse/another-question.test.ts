import type { ClickHouseClient } from '@clickhouse/client'
import {
  decodeRefreshState,
  exposureFingerprint,
  exposureSpec,
  exposureWindow,
  refreshDecision,
  refreshStatus,
  type ExposureSpec,
  type RefreshExperiment,
  type RefreshState,
  type RefreshStatus,
} from 'first-exposure'
import {
  fetchExposuresSummary,
  memoryRefreshStore,
  refreshStoredExposures,
  type ExposureClient,
  type RefreshOutcome,
} from 'first-exposure/clickhouse'
import { exposuresView } from 'first-exposure/view'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'

const hour = 3_600_000
const day = 24 * hour
const startedAt = Date.UTC(2026, 5, 1)
const endedAt = startedAt + 14 * day
const key = 'checkout'
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const experiment = { startedAt, endedAt }
// When the first question was final for long.
const later = endedAt + 30 * day

interface Asked {
  readonly spec: ExposureSpec
  readonly experiment: RefreshExperiment
}
const first: Asked = { spec, experiment }
const asked = ({ spec, experiment }: Asked): RefreshExperiment => ({
  ...experiment,
  fingerprint: exposureFingerprint(spec, experiment.startedAt),
})

/** As 0.1 wrote it: the first question, final. */
const stored01 =
  '{"failure":null,"requestedAt":1781485200000,"success":{"asOf":1781481600000,"at":1781485200000,"summary":' +
  '{"excludedIdentities":3,"timeseries":{"granularity":"day","points":[{"bucket":"2026-06-02T00:00:00.000Z",' +
  '"newIdentities":{"b":7}}],"timeZone":"UTC"}}},"version":1}'

/** What may change in an experiment that was final. */
const changes: readonly (readonly [string, Asked])[] = [
  ['a later start', { spec, experiment: { startedAt: startedAt + day, endedAt } }],
  ['an earlier start', { spec, experiment: { startedAt: startedAt - day, endedAt } }],
  ['an earlier end', { spec, experiment: { startedAt, endedAt: endedAt - day } }],
  ['a later end', { spec, experiment: { startedAt, endedAt: endedAt + day } }],
  ['a later end, which is not reached yet', { spec, experiment: { startedAt, endedAt: later + day } }],
  ['no end', { spec, experiment: { startedAt, endedAt: null } }],
  ['another zone', { spec: exposureSpec({ ...spec, timeZone: 'America/New_York' }), experiment }],
  ['another policy', { spec: exposureSpec({ ...spec, multiVariant: 'first-seen' }), experiment }],
  [
    'another filter',
    { spec: exposureSpec({ ...spec, filters: [{ column: 'sdk_language', equals: 'js' }] }), experiment },
  ],
  ['another feature', { spec: exposureSpec({ ...spec, featureName: 'pricing' }), experiment }],
]

describe.skipIf(!engineAvailable)('an experiment that changes after it was final', () => {
  let client: ClickHouseClient
  beforeAll(async () => {
    client = openInProcess()
    await createEventsTable(client, 'events', 'Memory')
    // An identity every hour, of which every fifth is in two variants, from a day before the start on.
    await client.command({
      query: `INSERT INTO events (environment_key, event, feature_name, timestamp, identifier, value, sdk_language)
        SELECT 'prod', '$flag_exposure', if(number % 11 = 0, 'pricing', 'checkout'),
          toDateTime64('2026-05-31 00:00:00', 3, 'UTC') + toIntervalHour(number % 900), toString(number % 900),
          if(number % 5 = 0 AND number > 899, 'control', ['control', 'b'][1 + number % 2]), ['js', 'php'][1 + number % 2]
        FROM numbers(1800)`,
    })
  })
  afterAll(async () => {
    await client.close()
  })

  const plainly = async ({ spec, experiment: { startedAt, endedAt } }: Asked, now: number) =>
    await fetchExposuresSummary(client, spec, exposureWindow(startedAt, Math.min(now, endedAt ?? Infinity)))
  /** A host: what it refreshes, and what its panel shows, without an error whatever is stored. */
  const host = (store = memoryRefreshStore()) => ({
    store,
    refresh: async (it: Asked, now: number, of: ExposureClient = client): Promise<RefreshOutcome> =>
      (await refreshStoredExposures({ client: of, ...it, store, key, now })).outcome,
    status: async (it: Asked, now: number): Promise<RefreshStatus> => {
      const state = (await store.load(key))?.state as RefreshState
      // With and without the fingerprint, a view of what is shown can be made.
      const statuses = [asked(it), it.experiment].map((experiment) => refreshStatus(state, experiment, now))
      for (const status of statuses) {
        const shown = [
          ...('success' in status ? [status] : []),
          ...('former' in status && status.former !== undefined ? [status.former] : []),
        ]
        for (const { success, window } of shown) {
          if (success === null) continue
          const view = exposuresView(success.summary, window === undefined ? {} : { window })
          expect(view.excludedIdentities).toBe(success.summary.excludedIdentities)
        }
      }
      return statuses[0] as RefreshStatus
    },
    decision: async (it: Asked, now: number): Promise<string> =>
      refreshDecision((await store.load(key))?.state as RefreshState, asked(it), now).type,
  })
  const failing: ExposureClient = {
    query: async () => await Promise.reject(Object.assign(new Error('secret'), { code: '60' })),
  }

  test.each(changes)(
    '%s: the new question is asked at once, and the old answer is shown as old',
    async (what, it) => {
      const { refresh, status, decision } = host()
      expect(await refresh(first, later)).toStrictEqual({ type: 'refreshed', asOf: endedAt })
      expect(await refresh(first, later + 1)).toStrictEqual({ type: 'final' })
      const old = await status(first, later + 1)
      expect(old).toMatchObject({
        type: 'final',
        success: { summary: await plainly(first, later) },
        window: { startMs: startedAt, asOfMs: endedAt },
      })
      const { success, window } = old as typeof old & { readonly type: 'final' }
      const former = { success, window }

      // A later end goes on from what is known, at the usual pace; nothing else does.
      const goesOn = it.spec === spec && it.experiment.startedAt === startedAt && what !== 'an earlier end'
      const at = goesOn ? later + 5 * 60_000 : later + 2
      expect(await decision(it, later + 2)).toBe(goesOn ? 'throttled' : 'due')
      expect(await decision(it, at)).toBe('due')
      expect(await status(it, at)).toStrictEqual(
        goesOn ? { type: 'loaded', success, window } : { type: 'outdated', former },
      )

      // A run that fails leaves it as it is.
      expect(await refresh(it, at, failing)).toMatchObject({ type: 'failed', kind: 'permanent' })
      expect(await status(it, at + 1)).toMatchObject(
        goesOn ? { type: 'stale', success, window } : { type: 'failed', former },
      )
      expect(await decision(it, at + 1)).toBe('throttled')

      const now = at + 5 * 60_000
      const asOf = Math.min(now, it.experiment.endedAt ?? Infinity)
      expect(await refresh(it, now)).toStrictEqual({ type: 'refreshed', asOf })
      const shown = await status(it, now + 1)
      expect(shown).toMatchObject({
        type: it.experiment.endedAt !== null && it.experiment.endedAt < now - hour ? 'final' : 'loaded',
        success: { asOf, summary: await plainly(it, now) },
        window: { startMs: it.experiment.startedAt, asOfMs: asOf },
      })
      expect(shown).not.toHaveProperty('former')
      expect((shown as typeof old & { readonly type: 'final' }).success.summary).not.toStrictEqual(
        success.summary,
      )

      // And back again: the first question is asked once more, and is then final as before.
      const back = now + 2
      const backAt = goesOn ? back : back + 30 * 60_000
      expect(await refresh(first, backAt)).toStrictEqual({ type: 'refreshed', asOf: endedAt })
      expect(await status(first, backAt)).toMatchObject({
        type: 'final',
        success: { summary: success.summary },
      })
      expect(await refresh(first, backAt + 1)).toStrictEqual({ type: 'final' })
    },
  )

  test.each([['the same experiment', first] as const, ...changes])(
    'what 0.1 stored is asked again, once: %s',
    async (what, it) => {
      const { store, refresh, status, decision } = host()
      await store.save(key, decodeRefreshState(stored01), null)
      expect(await decision(it, later)).toBe('due')
      const { success } = decodeRefreshState(stored01)
      expect(await status(it, later)).toStrictEqual({ type: 'outdated', former: { success } })
      expect((await refresh(it, later)).type).toBe('refreshed')
      expect(await status(it, later)).toMatchObject({ success: { summary: await plainly(it, later) } })
      expect((await refresh(it, later + 1)).type).toBe(
        what.startsWith('a later end, which') || what === 'no end' ? 'throttled' : 'final',
      )
    },
  )

  test('hosts of an old and a new spec keep to their own, and none is asked more often for it', async () => {
    const running = { startedAt, endedAt: null }
    const one: Asked = { spec, experiment: running }
    const other: Asked = { spec: exposureSpec({ ...spec, multiVariant: 'first-seen' }), experiment: running }
    const { refresh, status } = host()
    const seen: string[] = []
    const minute = 60_000
    for (let now = startedAt + 20 * day; now < startedAt + 20 * day + 20 * minute; now += minute) {
      for (const it of [one, other]) {
        const { type } = await refresh(it, now)
        seen.push(type)
        // Each shows its own answer, as its own.
        const shown = await status(it, now)
        expect(shown.type).toBe('loaded')
        const { success } = shown as typeof shown & { readonly type: 'loaded' }
        expect(success.summary).toStrictEqual(await plainly(it, success.asOf))
      }
    }
    expect(seen.filter((type) => type === 'refreshed')).toHaveLength(2 * 4)
    expect(seen.filter((type) => type === 'throttled')).toHaveLength(2 * 16)
    // The one that is left at last is the state's own.
    const end = startedAt + 20 * day + 60 * minute
    expect((await refresh(other, end)).type).toBe('refreshed')
    expect((await refresh(other, end + 5 * minute)).type).toBe('refreshed')
  })

  test('five specs at once begin three runs in throttleMs, and who has waited comes when there is room', async () => {
    const running = { startedAt, endedAt: null }
    const zones = ['UTC', 'Europe/Madrid', 'America/New_York', 'Asia/Tokyo', 'Asia/Kolkata']
    const five = zones.map((timeZone): Asked => ({
      spec: exposureSpec({ ...spec, timeZone }),
      experiment: running,
    }))
    const { refresh, status } = host()
    const minute = 60_000
    const from = startedAt + 20 * day
    const began: number[] = []
    for (let now = from; now < from + 30 * minute; now += minute) {
      for (const it of five) if ((await refresh(it, now)).type === 'refreshed') began.push(now)
    }
    for (const each of began) {
      expect(began.filter((other) => other > each - 5 * minute && other <= each).length).toBeLessThanOrEqual(
        3,
      )
    }
    const [last] = five.slice(4) as [Asked]
    const now = from + 30 * minute + 5 * minute
    expect(await refresh(last, now)).toStrictEqual({ type: 'refreshed', asOf: now })
    expect(await status(last, now)).toMatchObject({ type: 'loaded', success: { asOf: now } })
  })

  test('a claim for an earlier end is seen by a host that does not know of it, whatever the clocks say', async () => {
    const { store, refresh } = host()
    const minute = 60_000
    const now = startedAt + 61 * minute
    const running: Asked = { spec, experiment: { startedAt, endedAt: null } }
    const ended: Asked = { spec, experiment: { startedAt, endedAt: now } }
    // A run of a host whose clock is ahead reached beyond the end, and failed.
    const transient: ExposureClient = {
      query: async () => await Promise.reject(Object.assign(new Error('…'), { code: '241' })),
    }
    expect((await refresh(running, now + 1, transient)).type).toBe('failed')
    // A host that knows the end, with a clock that is behind, computes.
    let isAsked = (): void => undefined
    let answer = (): void => undefined
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const slow: ExposureClient = {
      query: async () => {
        isAsked()
        await new Promise<void>((resolve) => (answer = resolve))
        return { json: async () => [] }
      },
    }
    const computes = refresh(ended, now - minute, slow)
    await asked
    const retried = await refreshStoredExposures({ client, ...running, store, key, now, attempt: 1 })
    expect(retried.outcome).toStrictEqual({ type: 'in-flight' })
    answer()
    expect((await computes).type).toBe('refreshed')
  })
})
