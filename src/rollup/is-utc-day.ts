import { utcDate } from '../time/utc-days.js'
import { earliestMs, latestMs } from '../time/exposure-window.js'

/** Is this a UTC day, written YYYY-MM-DD, that a window can touch? */
export function isUtcDay(day: unknown): day is string {
  if (typeof day !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(day)) return false
  const ms = Date.parse(`${day}T00:00:00.000Z`)
  // Date.parse rolls 30 February over into March.
  return ms >= earliestMs && ms < latestMs && utcDate(ms) === day
}
