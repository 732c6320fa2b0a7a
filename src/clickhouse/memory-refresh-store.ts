import { decodeRefreshState, encodeRefreshState } from '../refresh/refresh-encoding.js'
import type { RefreshStore } from './refresh-store.js'

/**
 * A store in this process's memory, for tests and examples: its content ends with the process, and other processes do
 * not see it. It keeps the encoded text, as a real store does.
 *
 * @example
 * ```ts
 * import { initialRefreshState } from 'first-exposure'
 * import { memoryRefreshStore } from 'first-exposure/clickhouse'
 *
 * const store = memoryRefreshStore()
 * await store.load('checkout') // => null
 * await store.save('checkout', initialRefreshState, null) // => { type: 'saved', version: 1 }
 * await store.save('checkout', initialRefreshState, null) // => { type: 'conflict' }
 * ```
 */
export function memoryRefreshStore(): RefreshStore<number> {
  const stored = new Map<string, { readonly text: string; readonly version: number }>()
  return Object.freeze({
    load: async (key: string) => {
      const found = stored.get(key)
      return found === undefined ? null : { state: decodeRefreshState(found.text), version: found.version }
    },
    save: async (key, state, expectedVersion) => {
      const version = stored.get(key)?.version ?? null
      if (version !== expectedVersion) return { type: 'conflict' }
      const next = (version ?? 0) + 1
      stored.set(key, { text: encodeRefreshState(state), version: next })
      return { type: 'saved', version: next }
    },
  } satisfies RefreshStore<number>)
}
