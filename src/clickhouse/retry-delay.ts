import { invalidPolicy, received } from '../errors.js'

const baseMs = 1000

/**
 * How long to wait before the next try after a transient failure: a random time of up to 1 s, 2 s, 4 s and so on, never
 * more than `capMs`. It is drawn from the whole range (full jitter), so that hosts that failed together do not come back
 * together. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt - how many tries came before the one that failed: 0, 1, 2, …
 * @param random - a number from 0 to 1 on each call
 * @param capMs - the most to wait, in milliseconds
 */
export function retryDelayMs(attempt: number, random: () => number, capMs: number): number {
  const drawn = random()
  if (!(drawn >= 0 && drawn <= 1)) {
    throw invalidPolicy(
      'random',
      drawn,
      'Pass a source of numbers from 0 to 1.',
      `random() gave ${received(drawn)}.`,
    )
  }
  return Math.floor(drawn * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 50)))
}
