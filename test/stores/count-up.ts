// One of several processes that count the same key up, each increment by load and save: a lost one would be missing.
import { Pool } from 'pg'
import { initialRefreshState, reduceRefresh } from 'first-exposure'
import type { RefreshStore } from 'first-exposure/clickhouse'
import { postgresRefreshStore, sqliteRefreshStore } from 'first-exposure/stores'
import { closeDatabase, openDatabase } from '../../examples/host/open-database.js'

async function countUp(store: RefreshStore<string>, increments: number): Promise<void> {
  for (let done = 0; done < increments;) {
    const stored = await store.load('counter')
    const state = stored?.state ?? initialRefreshState
    const next = reduceRefresh(state, {
      type: 'requested',
      at: (state.requestedAt ?? 0) + 1,
    })
    const saved = await store.save('counter', next, stored?.version ?? null)
    if (saved.type === 'saved') done++
  }
}

const [, , increments = '', kind = '', where = ''] = process.argv
if (kind === 'sqlite') {
  const db = openDatabase(where)
  await countUp(sqliteRefreshStore(db), Number(increments))
  closeDatabase(db)
} else {
  const pool = new Pool(JSON.parse(where) as object)
  await countUp(postgresRefreshStore(pool), Number(increments))
  await pool.end()
}
