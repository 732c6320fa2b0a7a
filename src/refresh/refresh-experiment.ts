/** When the experiment ran, as far as it is known now. */
export interface RefreshExperiment {
  /** The first millisecond that counts, in epoch milliseconds; it may lie ahead. */
  readonly startedAt: number
  /** The first millisecond that does not count any more, in epoch milliseconds; `null` while nobody has ended it. */
  readonly endedAt: number | null
}
