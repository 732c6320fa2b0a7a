import type { ClickHouseClient } from '@clickhouse/client'
import fc from 'fast-check'
import type { ExposureEvent } from './exposure-events.js'
import { anyKey } from './exposure-events.js'

/** One row of a table of aliases. */
export interface AliasRow {
  readonly from: string | null
  readonly to: string | null
}

/**
 * Aliases among the identities of some events, and of some that nobody saw. About half of the identities stand for
 * another one; chains, several targets, repeats and rows that say nothing are common too.
 */
export function aliasesOf(events: readonly ExposureEvent[]): fc.Arbitrary<readonly AliasRow[]> {
  const seen = [...new Set(events.map((e) => e.identity ?? ''))].filter((each) => each !== '')
  const person = fc.oneof(
    { arbitrary: seen.length === 0 ? anyKey : fc.constantFrom(...seen), weight: 7 },
    { arbitrary: anyKey, weight: 1 },
  )
  const oneEach = seen.map((from) =>
    fc.option(person, { freq: 2 }).map((to) => (to === null ? [] : [{ from, to }])),
  )
  const any = fc.oneof({ arbitrary: person, weight: 4 }, { arbitrary: fc.constantFrom('', null), weight: 1 })
  return fc
    .tuple(fc.tuple(...oneEach), fc.array(fc.record({ from: any, to: any }), { maxLength: 2 }), fc.boolean())
    .map(([each, more, again]) => [...each.flat(), ...more, ...(again ? each.flat() : [])])
}

/** Makes the table `aliases`, with the columns `anonymous` and `person`. */
export async function createAliasesTable(
  client: ClickHouseClient,
  type = 'Nullable(String)',
  table = 'aliases',
): Promise<void> {
  await client.command({
    query: `CREATE OR REPLACE TABLE ${table} (anonymous ${type}, person ${type}) ENGINE = Memory`,
  })
}

/** Replaces all aliases of that table. */
export async function replaceAliases(
  client: ClickHouseClient,
  aliases: readonly AliasRow[],
  table = 'aliases',
): Promise<void> {
  await client.command({ query: `TRUNCATE TABLE ${table}` })
  if (aliases.length === 0) return
  await client.insert({
    table,
    format: 'JSONEachRow',
    values: aliases.map(({ from, to }) => ({ anonymous: from, person: to })),
  })
}
