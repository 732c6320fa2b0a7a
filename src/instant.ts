import { ExposureError, received } from './errors.js'

/**
 * A point in time: a `Date`, whole milliseconds of the epoch, or an ISO 8601 text that names its zone
 * (`2026-06-01T00:00:00Z`, `2026-06-01T02:00+02:00`). A text without a zone would mean something else on
 * every machine, so it is refused.
 */
export type Instant = Date | number | string

const isoInstant =
  /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)$/

/** Epoch milliseconds of an instant; `name` is what the message calls it. Throws `invalid-instant`. */
export function epochMs(instant: Instant, name: string): number {
  const ms =
    instant instanceof Date ? instant.getTime() : typeof instant === 'string' ? parseIso(instant) : instant
  return checkedMs(ms, name, instant)
}

/** The same, of what is epoch milliseconds already: who calls only this need not carry the reading of texts. */
export function checkedMs(ms: unknown, name: string, instant: unknown = ms): number {
  // 8.64e15 is the last millisecond that a Date can hold.
  if (typeof ms !== 'number' || !Number.isInteger(ms) || Math.abs(ms) > 8.64e15) {
    throw new ExposureError(
      'invalid-instant',
      `${name} is not an instant: received ${received(instant)}. Pass a Date, whole epoch milliseconds, ` +
        'or ISO 8601 with Z or an offset and at most milliseconds, such as 2026-06-01T00:00:00Z.',
      { name, received: received(instant) },
    )
  }
  return ms
}

function parseIso(text: string): number {
  const match = isoInstant.exec(text)
  if (match === null) return NaN
  const [, date = '', time = '', seconds = '00', fraction = '', zone = ''] = match
  // Finer than a millisecond cannot be kept, and dropping it would move the window's edge.
  if (/[1-9]/.test(fraction.slice(3))) return NaN
  const wallClock = `${date}T${time}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  const wallClockMs = Date.parse(wallClock)
  // Date.parse rolls 30 February and 24:00 over into the next day; an instant that nobody wrote is no answer.
  if (Number.isNaN(wallClockMs) || new Date(wallClockMs).toISOString() !== wallClock) return NaN
  if (zone === 'Z') return wallClockMs
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || '0')
  if (hours > 23 || minutes > 59) return NaN
  return wallClockMs - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
