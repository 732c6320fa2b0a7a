import { invalidStatistics } from './invalid-statistics.js'

/** Refuses a threshold that no probability or share can be on both sides of. */
export function assertThreshold(threshold: number): void {
  if (typeof threshold !== 'number' || !(threshold > 0 && threshold < 1)) {
    throw invalidStatistics('threshold', threshold, 'Pass a number above 0 and below 1.')
  }
}
