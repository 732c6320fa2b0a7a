import type { ExposureWindow } from './exposure-window.js'

const dayMs = 86_400_000

/** UTC days, half-open: from the first millisecond of the first to the first after the last. */
export interface UtcDays {
  readonly startMs: number
  readonly endMs: number
}

/** The UTC days that a window touches. */
export function touchedUtcDays({ startMs, asOfMs }: ExposureWindow): UtcDays {
  return {
    startMs: Math.floor(startMs / dayMs) * dayMs,
    endMs: Math.ceil(asOfMs / dayMs) * dayMs,
  }
}

/** The UTC date of an instant, as ClickHouse reads a Date: `YYYY-MM-DD`. */
export function utcDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
