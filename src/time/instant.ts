import type { Check } from '../checks.js'
import { invalidInstant, type Refusal } from '../errors.js'

/**
 * A point in time: a `Date`, whole milliseconds of the epoch, or an ISO 8601 text that names its zone
 * (`2026-06-01T00:00:00Z`, `2026-06-01T02:00+02:00`). A text without a zone would mean something else on
 * every machine, so it is refused.
 */
export type Instant = Date | number | string

const isoInstant =
  /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)$/

/**
 * Epoch milliseconds of an instant.
 *
 * @param refuseUnit - the refusal of a number that makes sense only as seconds or microseconds
 */
export function epochMs(
  instant: Instant,
  path: string,
  refuse: Refusal = invalidInstant,
  refuseUnit: Refusal = refuse,
): number {
  const ms =
    typeof instant === 'string' ? parseIso(instant) : typeof instant === 'number' ? instant : timeOf(instant)
  const checked = anEpochMs(ms, path, () =>
    refuse(
      path,
      instant,
      'Pass a Date, whole epoch milliseconds, or ISO 8601 with Z or an offset and at most milliseconds, ' +
        'such as 2026-06-01T00:00:00Z.',
    ),
  )
  return typeof instant === 'number' ? inMilliseconds(checked, path, refuseUnit) : checked
}

/** The time of a `Date`, also of one from a frame or another realm, which is no instance of the one here. */
function timeOf(date: Date): number {
  try {
    return Date.prototype.getTime.call(date)
  } catch {
    return NaN
  }
}

// Every instant of an experiment lies between these two. As seconds they are days in January and February 1970, as
// microseconds years after 32000.
const firstMs = /* @__PURE__ */ Date.UTC(2001, 0, 1)
const lastMs = /* @__PURE__ */ Date.UTC(2106, 0, 1)

/** A number of milliseconds, unless it makes sense only as a number of seconds or of microseconds. */
export const inMilliseconds: Check<number> = (value, path, refuse) => {
  const ms = Number(value)
  const isIn = (unitMs: number): boolean => ms * unitMs >= firstMs && ms * unitMs < lastMs
  if (isIn(1000)) throw inUnit('seconds', '* 1000', path, ms, refuse)
  if (isIn(1 / 1000)) throw inUnit('microseconds', '/ 1000', path, ms, refuse)
  return ms
}

/** A number of milliseconds that is the end of a window. Before 2001 it is nearly surely a number of seconds. */
export const aRecentMs: Check<number> = (value, path, refuse) => {
  const ms = inMilliseconds(value, path, refuse)
  if (ms < firstMs) throw inUnit('seconds', '* 1000', path, ms, refuse)
  return ms
}

function inUnit(unit: string, cure: string, path: string, ms: number, refuse: Refusal): Error {
  return refuse(
    path,
    ms,
    `If it counts ${unit}, pass ${path} ${cure}.`,
    `${path} is ${ms}, which in epoch milliseconds is ${new Date(ms).toISOString()}.`,
  )
}

/** Whole epoch milliseconds that a `Date` can hold. */
export const anEpochMs: Check<number> = (value, path, refuse) => {
  // JSON has no -0, and two states that differ by nothing else would be one when stored.
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 8.64e15) return value + 0
  throw refuse(path, value, 'Pass whole epoch milliseconds, at most 8.64e15 either side of 1970.')
}

function parseIso(text: string): number {
  const match = isoInstant.exec(text)
  if (match === null) return NaN
  const [, date = '', time = '', seconds = '00', fraction = '', zone = ''] = match
  // Finer than a millisecond cannot be kept, and dropping it would move the window's edge.
  if (/[1-9]/.test(fraction.slice(3))) return NaN
  const wallClock = `${date}T${time}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  const wallClockMs = Date.parse(wallClock)
  // Date.parse rolls 30 February and 24:00 over into the next day, which nobody wrote.
  if (Number.isNaN(wallClockMs) || new Date(wallClockMs).toISOString() !== wallClock) return NaN
  if (zone === 'Z') return wallClockMs
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || '0')
  if (hours > 23 || minutes > 59) return NaN
  return wallClockMs - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
