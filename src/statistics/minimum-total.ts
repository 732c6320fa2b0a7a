import { invalidStatistics } from './invalid-statistics.js'

/** Refuses a minimum that no count of identities can be compared with. */
export function assertMinimumTotal(minimumTotal: number): void {
  if (!Number.isSafeInteger(minimumTotal) || minimumTotal < 0) {
    throw invalidStatistics('minimumTotal', minimumTotal, 'Pass a whole number from 0.')
  }
}
