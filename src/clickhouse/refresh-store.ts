import type { RefreshState } from '../refresh/refresh-state.js'

/** What a store holds under a key. `version` changes with every save; only the store knows what it is. */
export interface StoredRefresh<Version> {
  readonly state: RefreshState
  readonly version: Version
}

/** How a save ended. A conflict means that nothing was saved, because somebody else saved after `expectedVersion`. */
export type SaveOutcome<Version> =
  { readonly type: 'saved'; readonly version: Version } | { readonly type: 'conflict' }

/**
 * Where a host keeps the state of its refreshes: any storage that can compare and set in one step, such as a row
 * with a version column and `UPDATE … WHERE version = ?`. Store the text of `encodeRefreshState`.
 *
 * An error that a store throws reaches the caller of `refreshStoredExposures` untouched.
 */
export interface RefreshStore<Version = unknown> {
  /** What is stored under the key; `null` if there is nothing. */
  load(key: string): Promise<StoredRefresh<Version> | null>
  /** Saves if `expectedVersion` is still the stored one (`null`: if nothing is stored yet); otherwise changes nothing. */
  save(key: string, state: RefreshState, expectedVersion: Version | null): Promise<SaveOutcome<Version>>
}
