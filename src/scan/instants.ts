import { sql, type Sql } from '../sql/sql.js'

// An instant and a variant's rank share one integer: the nanoseconds in the upper bits, the rank in the lower 32 bits.
const ranks: bigint = 2n ** 32n
const nanosecondsInSecond = 1_000_000_000n

/** The instant of an exposure, in nanoseconds since the epoch. */
function nanoseconds(exposedAt: Sql): Sql {
  return sql`toUnixTimestamp64Nano(toDateTime64(${exposedAt}, 9, 'UTC'))`
}

/** 2⁶², more than the nanoseconds of any instant in a window. The sum uses all of its 8 bytes. */
const sortableOffset: bigint = 2n ** 62n

/** The instant as 8 bytes that sort as text in chronological order. */
export function sortableInstant(exposedAt: Sql): Sql {
  return sql`reverse(reinterpretAsString(${nanoseconds(exposedAt)} + ${sortableOffset}))`
}

/** The nanoseconds of an instant in that form. */
export function nanosecondsOfSortable(bytes: Sql): Sql {
  return sql`reinterpretAsInt64(reverse(substring(${bytes}, 1, 8))) - ${sortableOffset}`
}

/** The second of an instant in that form. */
export function secondOfSortable(bytes: Sql): Sql {
  return secondOfNanoseconds(nanosecondsOfSortable(bytes))
}

/** The instant of a number of nanoseconds since the epoch. */
export function instantOf(nanoseconds: Sql): Sql {
  return sql`fromUnixTimestamp64Nano(toInt64(${nanoseconds}), 'UTC')`
}

/** The instant of an exposure with the variant's rank below it, as one integer. The minimum is the first exposure. */
export function instantAndRank(exposedAt: Sql, rank: Sql): Sql {
  return sql`toInt128(${nanoseconds(exposedAt)}) * ${ranks} + ${rank}`
}

/** The rank in that integer. */
export function rankOf(instantAndRank: Sql): Sql {
  return sql`toUInt32(${instantAndRank} % ${ranks})`
}

/** The nanoseconds in that integer. */
export function nanosecondsOf(instantAndRank: Sql): Sql {
  return sql`intDiv(${instantAndRank}, ${ranks})`
}

/** The second in that integer. */
export function secondOf(instantAndRank: Sql): Sql {
  return sql`toUInt32(intDiv(${instantAndRank}, ${ranks * nanosecondsInSecond}))`
}

/** The second of a number of nanoseconds. */
export function secondOfNanoseconds(nanoseconds: Sql): Sql {
  return sql`toUInt32(intDiv(${nanoseconds}, ${nanosecondsInSecond}))`
}

/** The DateTime of a number of seconds since the epoch. */
export function dateTime(seconds: Sql): Sql {
  return sql`toDateTime(${seconds}, 'UTC')`
}

/**
 * Distinguishes an identity with one variant from one with several, in 8 bytes of state. The OR of a rank and its
 * complement has a bit set in both halves exactly when two ranks differ. This is as exact as the minimum and the
 * maximum rank, in a quarter of the room. A multiplication by 2³² + 1 writes the rank twice, and the mask turns the
 * upper copy into its complement.
 */
export function rankBits(rank: Sql): Sql {
  return sql`groupBitOr(bitXor(${rank} * ${ranks + 1n}, ${(ranks - 1n) * ranks}))`
}

/** Whether these are the bits of one rank. */
export function isOneRank(bits: Sql): Sql {
  return sql`bitAnd(${bits}, bitShiftRight(${bits}, 32)) = 0`
}
