import { eventDispositions, type EventDisposition } from '../../scan/event-disposition.js'
import {
  assertRows,
  cell,
  decodeCount,
  decodeInteger,
  decodeFlag,
  decodeText,
  malformedRow,
  orNull,
} from '../cell.js'

/** The names of the timeline's columns, for the SELECT and for the decoder. */
export const identityTimelineColumns: {
  readonly shown: 'shown'
  readonly disposition: 'disposition'
  readonly variant: 'variant'
  readonly atMs: 'at_ms'
  readonly events: 'events'
  readonly identifier: 'identifier'
  readonly identity: 'identity'
} = /* @__PURE__ */ Object.freeze({
  shown: 'shown',
  disposition: 'disposition',
  variant: 'variant',
  atMs: 'at_ms',
  events: 'events',
  identifier: 'identifier',
  identity: 'identity',
})

/** One event of an identity, or all events of one disposition and variant, at the first of them. */
export interface IdentityTimelineRow {
  readonly shown: boolean
  readonly disposition: EventDisposition
  readonly variant: string | null
  /** In milliseconds since the epoch. */
  readonly at: number | null
  readonly events: number
  /** The identifier of the events, and the one that it resolves to. `null` if the spec has no aliases. */
  readonly resolved: { readonly identifier: string; readonly identity: string } | null
}

/** Checks and converts every row that `identityTimelineQuery` returns. Throws `malformed-rows`. */
export function decodeIdentityTimelineRows(rows: readonly unknown[]): readonly IdentityTimelineRow[] {
  assertRows(rows)
  const last = { true: -Infinity, false: -Infinity }
  return rows.map((row, index) => {
    const { shown, disposition, variant, atMs, events, identifier, identity } = identityTimelineColumns
    const decoded: IdentityTimelineRow = {
      shown: cell(row, index, shown, decodeFlag, '0 or 1'),
      disposition: cell(row, index, disposition, decodeDisposition, `one of ${eventDispositions.join(', ')}`),
      variant: cell(row, index, variant, orNull(decodeText), 'the variant’s key or NULL'),
      at: cell(row, index, atMs, orNull(decodeInteger), 'whole milliseconds of the epoch or NULL'),
      events: cell(row, index, events, decodeCount, 'a whole number from 0 to 2^53 - 1'),
      resolved: Object.hasOwn(Object(row) as object, identifier)
        ? {
            identifier: cell(row, index, identifier, decodeText, 'an identifier'),
            identity: cell(row, index, identity, decodeText, 'an identifier'),
          }
        : null,
    }
    if ((decoded.at === null) !== (decoded.disposition === 'no-timestamp')) {
      throw malformedRow(
        index,
        atMs,
        decoded.at,
        'Expected NULL where there is no timestamp, and only there.',
      )
    }
    if (decoded.variant === null && decoded.disposition === 'exposure') {
      throw malformedRow(index, variant, decoded.variant, 'Expected a key for an exposure.')
    }
    // Only the order says which of two events came first, and which key is smaller in byte order at one instant.
    const at = decoded.at ?? Infinity
    if (at < last[`${decoded.shown}`])
      throw malformedRow(index, atMs, decoded.at, 'Expected the order of time.')
    last[`${decoded.shown}`] = at
    return decoded
  })
}

function decodeDisposition(value: unknown): EventDisposition | undefined {
  return eventDispositions.find((each) => each === value)
}
