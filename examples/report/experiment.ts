import type { ExposureSpec } from 'first-exposure'
import type { ClickHouseClient } from '@clickhouse/client'

/** An experiment that can be asked about: where its exposures are, and what a reader should know of them. */
export interface Experiment {
  readonly client: ClickHouseClient
  readonly spec: ExposureSpec
  /** Where the exposures came from, in a few words for the report's first lines. */
  readonly origin: string
  /** The split that it was made with, where that is known. */
  readonly expectedShares?: Readonly<Record<string, number>>
  /** Where the column to break down by goes by another name than the user's. */
  readonly sliceColumn?: string
  /** Which events the ledger has scanned, in a sentence, and how many beside them it has not. */
  readonly scanned: () => Promise<string>
  /** Said where the question finds no exposure at all. */
  readonly nothingFound: () => Promise<string>
  close(): Promise<void>
}
