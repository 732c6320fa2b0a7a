/** The instant of an exposure, in nanoseconds of the epoch. */
export function nanoseconds(exposedAt: string): string {
  return `toUnixTimestamp64Nano(toDateTime64(${exposedAt}, 9, 'UTC'))`
}

/** The same as 8 bytes that sort as text in the order of time. */
export function sortableNanoseconds(exposedAt: string): string {
  return `reverse(reinterpretAsString(${nanoseconds(exposedAt)} + ${nanoOffset}))`
}

/** 2⁶², more than any instant of a window has nanoseconds: the sum takes all of its 8 bytes. */
export const nanoOffset = '4611686018427387904'
