import {
  exposureSpec,
  exposureWindow,
  type ExposureLedger,
  type LedgerPartName,
  type MultiVariantPolicy,
} from 'first-exposure'
import { fetchExposureLedger } from 'first-exposure/clickhouse'
import { rolledUp, rollupSchema } from 'first-exposure/rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineAvailable } from '../engine/availability.js'
import { createEventsTable, insertEvents } from '../engine/events-table.js'
import { openInProcess } from '../engine/in-process.js'
import { run } from './rollup-of-events.js'

// Of June 2026, at noon in UTC unless the milliseconds of the day are there: one experiment with eight identities.
type Exposure = readonly [identity: string, variant: string | null, day: number, ms?: number]
const exposures: readonly Exposure[] = [
  ['ann', 'control', 9],
  ['ann', null, 9],
  ['', 'control', 9],
  ['ben', 'control', 9],
  ['ben', 'control', 9],
  ['ben', 'control', 10],
  // Crosses inside of every window.
  ['cat', 'control', 9],
  ['cat', 'blue', 10],
  ['cat', 'control', 11],
  // Crosses only in a window that starts by the 5th.
  ['dan', 'control', 5],
  ['dan', 'blue', 9],
  ['dan', 'blue', 10],
  // Crosses only in a window that starts by the 7th.
  ['eve', 'control', 6],
  ['eve', 'blue', 7],
  ['eve', 'control', 12],
  // Crosses before and after the start of a window that starts on the 8th.
  ['fay', 'blue', 7],
  ['fay', 'blue', 9],
  ['fay', 'control', 10],
  // Crosses after the end of every window, by one millisecond.
  ['gus', 'blue', 14, 86_399_999],
  ['gus', 'control', 15, 0],
  // Crosses at one instant.
  ['ida', 'green', 11],
  ['ida', 'control', 11],
]
// So many identities besides that three early ones are few, and the rollup is read.
const afterwards = Array.from({ length: 16 }, (_, n) => [`late-${n}`, 'control', 20] as const)

const source = { table: 'events', columns: { arrival: null } }
const rollup = { table: 'exposures_by_identity' }

/** A ledger, of which only what is not empty is written. */
function ledger(
  parts: Partial<Record<LedgerPartName, Readonly<Record<string, number>> | number>>,
  rest: Pick<ExposureLedger, 'scanned' | 'countedIdentities' | 'excludedIdentities' | 'exposuresByVariant'>,
): ExposureLedger {
  const names: readonly LedgerPartName[] = [
    'no-timestamp',
    'before-window',
    'after-window',
    'filtered',
    'no-variant',
    'no-identity',
    'first-exposure',
    'duplicate',
    'quarantined',
  ]
  return {
    ...rest,
    parts: names.map((part) => {
      const own = parts[part] ?? 0
      const byVariant = typeof own === 'number' ? {} : own
      const events = typeof own === 'number' ? own : Object.values(own).reduce((sum, each) => sum + each, 0)
      return { part, events, byVariant }
    }),
    unconfigured: { green: { events: 1, identities: 0 } },
    lateness: null,
    aliases: null,
  }
}

/** By the day on which the window starts: it ends on the 15th. */
const expected: Readonly<Record<1 | 6 | 8, Readonly<Record<MultiVariantPolicy, ExposureLedger>>>> = {
  // Nobody was exposed before.
  1: {
    quarantine: ledger(
      {
        'after-window': { control: 1 },
        'no-variant': 1,
        'no-identity': { control: 1 },
        'first-exposure': { control: 2, blue: 1 },
        duplicate: { control: 2 },
        quarantined: 14,
      },
      {
        scanned: 22,
        countedIdentities: 3,
        excludedIdentities: 5,
        exposuresByVariant: { control: 11, blue: 7, green: 1 },
      },
    ),
    'first-seen': ledger(
      {
        'after-window': { control: 1 },
        'no-variant': 1,
        'no-identity': { control: 1 },
        'first-exposure': { control: 6, blue: 2 },
        duplicate: { control: 9, blue: 2 },
      },
      {
        scanned: 22,
        countedIdentities: 8,
        excludedIdentities: 0,
        exposuresByVariant: { control: 11, blue: 7, green: 1 },
      },
    ),
  },
  // Dan was, to control: he is in blue now.
  6: {
    quarantine: ledger(
      {
        'before-window': { control: 1 },
        'after-window': { control: 1 },
        'no-variant': 1,
        'no-identity': { control: 1 },
        'first-exposure': { control: 2, blue: 2 },
        duplicate: { control: 2, blue: 1 },
        quarantined: 11,
      },
      {
        scanned: 22,
        countedIdentities: 4,
        excludedIdentities: 4,
        exposuresByVariant: { control: 10, blue: 7, green: 1 },
      },
    ),
    'first-seen': ledger(
      {
        'before-window': { control: 1 },
        'after-window': { control: 1 },
        'no-variant': 1,
        'no-identity': { control: 1 },
        'first-exposure': { control: 5, blue: 3 },
        duplicate: { control: 7, blue: 3 },
      },
      {
        scanned: 22,
        countedIdentities: 8,
        excludedIdentities: 0,
        exposuresByVariant: { control: 10, blue: 7, green: 1 },
      },
    ),
  },
  // Dan, Eve and Fay were: Dan is in blue, Eve in control, and Fay crosses once more.
  8: {
    quarantine: ledger(
      {
        'before-window': { control: 2, blue: 2 },
        'after-window': { control: 1 },
        'no-variant': 1,
        'no-identity': { control: 1 },
        'first-exposure': { control: 3, blue: 2 },
        duplicate: { control: 2, blue: 1 },
        quarantined: 7,
      },
      {
        scanned: 22,
        countedIdentities: 5,
        excludedIdentities: 3,
        exposuresByVariant: { control: 9, blue: 5, green: 1 },
      },
    ),
    'first-seen': ledger(
      {
        'before-window': { control: 2, blue: 2 },
        'after-window': { control: 1 },
        'no-variant': 1,
        'no-identity': { control: 1 },
        'first-exposure': { control: 5, blue: 3 },
        duplicate: { control: 5, blue: 2 },
      },
      {
        scanned: 22,
        countedIdentities: 8,
        excludedIdentities: 0,
        exposuresByVariant: { control: 9, blue: 5, green: 1 },
      },
    ),
  },
}

/** The same with the sixteen that were exposed after the window. */
function withLateOnes(of: ExposureLedger): ExposureLedger {
  return {
    ...of,
    scanned: 38,
    parts: of.parts.map((part) =>
      part.part === 'after-window' ? { ...part, events: 17, byVariant: { control: 17 } } : part,
    ),
  }
}

const client = engineAvailable ? openInProcess() : undefined
beforeAll(async () => {
  if (client === undefined) return
  await client.command({ query: 'CREATE DATABASE crossers' })
  await client.command({ query: 'USE crossers' })
})
afterAll(async () => {
  await client?.close()
})

const ask = async (through: boolean, day: number, multiVariant: MultiVariantPolicy): Promise<unknown> =>
  client === undefined
    ? undefined
    : await fetchExposureLedger(
        client,
        exposureSpec({
          environmentKey: 'prod',
          featureName: 'checkout',
          multiVariant,
          source: through ? rolledUp(source, rollup) : source,
        }),
        exposureWindow(Date.UTC(2026, 5, day), Date.UTC(2026, 5, 15)),
        { variants: ['control', 'blue'] },
      )

describe.skipIf(client === undefined).each([
  ['in a part for each insert', false],
  ['in one merged part', true],
])('the ledger of eight identities, five of which cross: %s', (_, merged) => {
  const fill = async (all: readonly Exposure[]): Promise<void> => {
    if (client === undefined) return
    const schema = rollupSchema({ source, rollup })
    await run(client, schema.drop)
    await createEventsTable(client)
    await run(client, schema.create)
    // Every second one first, so that an identity is in both inserts. And each of them in another experiment too.
    for (const half of [1, 0]) {
      const own = all
        .filter((__, index) => index % 2 === half)
        .map(([identity, variant, day, ms = 43_200_000]) => ({
          environment: 'prod',
          event: '$flag_exposure',
          feature: 'checkout',
          timestampMs: Date.UTC(2026, 5, day) + ms,
          identity,
          variant,
        }))
      await insertEvents(client, [...own, ...own.map((e) => ({ ...e, feature: 'search', variant: 'red' }))])
    }
    if (merged) await client.command({ query: 'OPTIMIZE TABLE exposures_by_identity FINAL' })
  }

  test.each<[from: string, through: boolean]>([
    ['from the events', false],
    ['through the rollup', true],
  ])('%s', async (__, through) => {
    for (const [crowd, expectedOf] of [
      [[], (of: ExposureLedger) => of],
      [afterwards, withLateOnes],
    ] as const) {
      await fill([...exposures, ...crowd])
      for (const day of [1, 6, 8] as const) {
        for (const policy of ['quarantine', 'first-seen'] as const) {
          expect(await ask(through, day, policy), `${policy}, from the ${day}.`).toEqual(
            expectedOf(expected[day][policy]),
          )
        }
      }
    }
  })

  test('the events gone, the identities are still those of the rollup, with an event for each', async () => {
    await fill(exposures)
    await client?.command({ query: 'TRUNCATE TABLE events' })
    const gone = { exposuresByVariant: {}, scanned: 8 }
    expect(await ask(true, 1, 'quarantine')).toEqual({
      ...ledger(
        { 'first-exposure': { control: 2, blue: 1 }, quarantined: 5 },
        { ...gone, countedIdentities: 3, excludedIdentities: 5 },
      ),
      unconfigured: {},
    })
    expect(await ask(true, 1, 'first-seen')).toEqual({
      ...ledger(
        { 'first-exposure': { control: 6, blue: 2 } },
        { ...gone, countedIdentities: 8, excludedIdentities: 0 },
      ),
      unconfigured: {},
    })
  })
})
