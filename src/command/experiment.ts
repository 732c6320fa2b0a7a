import type { ExposureSpec } from '../index.js'
import type { ClickHouseClient } from '@clickhouse/client'

/** An experiment to report: where its exposures are, and what the reader should know about them. */
export interface Experiment {
  readonly client: ClickHouseClient
  readonly spec: ExposureSpec
  /** Where the exposures came from, in a few words for the report's first lines. */
  readonly origin: string
  /** Whether its timestamps are dates: each stands for a whole local day of the spec's zone, as the instant of its start. */
  readonly hasDates?: boolean
  /** Whether it has timestamps; without, everything happened at one instant that means nothing. */
  readonly hasTimes?: boolean
  /** When its first and its last exposure were, in its whole table, if that is known. */
  readonly extent?: { readonly firstMs: number; readonly lastMs: number }
  /** What the reader should know before the answer: how the data were read, and what was left out. Each a sentence. */
  readonly notes?: readonly string[]
  /** The variants that its exposures have, in its whole table, if that is known. */
  readonly variants?: readonly string[]
  /** The split that it was generated with, if known. */
  readonly expectedShares?: Readonly<Record<string, number>>
  /** The name of the breakdown column in the table, if it differs from the user's name for it. */
  readonly sliceColumn?: string
  /** Loads every event, if its table has only the first and the last one of each identity and variant. */
  readonly loadAll?: () => Promise<void>
  /** A sentence that says which events the ledger scanned, and how many others it did not. */
  readonly scanned: () => Promise<string>
  /** The message if there is no exposure at all. */
  readonly nothingFound: () => Promise<string>
  /** An error of asking it, in words for its user. */
  readonly inWords?: (error: unknown) => Promise<unknown>
  close(): Promise<void>
}
