/** How patient a refresh is. Every duration is in whole milliseconds, 0 or more. */
export interface RefreshPolicy {
  /** The least time between two requests. Default 300,000: 5 minutes. */
  readonly throttleMs: number
  /** After this, a request without an outcome counts as lost. Default 600,000: 10 minutes. */
  readonly presumedLostAfterMs: number
  /**
   * How long after the experiment's end its last exposures may still arrive: a refresh made so late or later is
   * final. Default 3,600,000: 1 hour. 0 makes the first refresh after the end final.
   */
  readonly settleMs: number
}
