import type { ExposureWindow } from '../spec/exposure-window.js'

const dayMs = 24 * 60 * 60 * 1000

/** The UTC days that lie in a window from their first millisecond to their last, half-open; `null` where none does. */
export function wholeUtcDays({
  startMs,
  asOfMs,
}: ExposureWindow): { readonly startMs: number; readonly endMs: number } | null {
  const days = { startMs: Math.ceil(startMs / dayMs) * dayMs, endMs: Math.floor(asOfMs / dayMs) * dayMs }
  return days.startMs < days.endMs ? days : null
}

/** The UTC days that a window touches, half-open. */
export function touchedUtcDays({ startMs, asOfMs }: ExposureWindow): {
  readonly startMs: number
  readonly endMs: number
} {
  return { startMs: Math.floor(startMs / dayMs) * dayMs, endMs: Math.ceil(asOfMs / dayMs) * dayMs }
}

/** The UTC date of an instant, as ClickHouse reads a Date: `YYYY-MM-DD`. */
export function utcDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
