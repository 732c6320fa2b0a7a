import { sql, type Sql } from '../sql/sql.js'

// An instant and a variant's rank share one integer: the nanoseconds above, the rank in the 32 bits below.
const ranks: bigint = 2n ** 32n
const nanosecondsInSecond = 1_000_000_000n

/** The instant of an exposure, in nanoseconds of the epoch. */
function nanoseconds(exposedAt: Sql): Sql {
  return sql`toUnixTimestamp64Nano(toDateTime64(${exposedAt}, 9, 'UTC'))`
}

/** 2⁶², more than any instant of a window has nanoseconds: the sum takes all of its 8 bytes. */
const sortableOffset: bigint = 2n ** 62n

/** The instant as 8 bytes that sort as text in the order of time. */
export function sortableInstant(exposedAt: Sql): Sql {
  return sql`reverse(reinterpretAsString(${nanoseconds(exposedAt)} + ${sortableOffset}))`
}

/** The nanoseconds of an instant that was written so. */
export function nanosecondsOfSortable(bytes: Sql): Sql {
  return sql`reinterpretAsInt64(reverse(substring(${bytes}, 1, 8))) - ${sortableOffset}`
}

/** The second of an instant that was written so. */
export function secondOfSortable(bytes: Sql): Sql {
  return secondOfNanoseconds(nanosecondsOfSortable(bytes))
}

/** A number of nanoseconds of the epoch as an instant. */
export function instantOf(nanoseconds: Sql): Sql {
  return sql`fromUnixTimestamp64Nano(toInt64(${nanoseconds}), 'UTC')`
}

/** The instant of an exposure with the variant's rank below it, as one integer: the least is the first exposure. */
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

/** A number of seconds of the epoch as a DateTime. */
export function dateTime(seconds: Sql): Sql {
  return sql`toDateTime(${seconds}, 'UTC')`
}

/**
 * What tells an identity of one variant from one of several in 8 bytes of state. The OR of a rank and its complement has
 * a bit in both halves exactly when two ranks differ: as exact as the least and the greatest rank, in a quarter of the
 * room. Times 2³² + 1 writes the rank twice, and the mask turns the upper one into its complement.
 */
export function rankBits(rank: Sql): Sql {
  return sql`groupBitOr(bitXor(${rank} * ${ranks + 1n}, ${(ranks - 1n) * ranks}))`
}

/** Whether they are the bits of one rank. */
export function isOneRank(bits: Sql): Sql {
  return sql`bitAnd(${bits}, bitShiftRight(${bits}, 32)) = 0`
}
