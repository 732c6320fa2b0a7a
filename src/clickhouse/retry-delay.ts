import { ExposureError, received } from '../errors.js'

// The first retry may come at once; none waits longer than a refresh's normal interval.
const baseMs = 1000

/**
 * How long to wait before the next try of what failed for a passing reason: a random time of up to 1 s, 2 s, 4 s and
 * so on, never more than `capMs`. Drawn from the whole range (full jitter), so that hosts which failed together do
 * not come back together. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt - how many tries came before the one that failed: 0, 1, 2, …
 * @param random - a number from 0 to 1 on each call
 * @param capMs - the most to wait, in milliseconds
 */
export function retryDelayMs(attempt: number, random: () => number, capMs: number): number {
  const drawn = random()
  if (!(drawn >= 0 && drawn <= 1)) {
    throw new ExposureError(
      'invalid-policy',
      `random() gave ${received(drawn)}. Pass a source of numbers from 0 to 1.`,
      {
        field: 'random',
        received: received(drawn),
      },
    )
  }
  return Math.floor(drawn * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 50)))
}
