import type { MultiVariantPolicy } from '../spec/exposure-spec.js'
import { nanoseconds } from './nanoseconds.js'
import { isOneRank, rankBits } from './variant-ranks.js'

/** How an identity is counted, from the ranks and instants of its exposures. */
export interface RankedState {
  /** What one identity keeps. */
  readonly identityState: readonly string[]
  /** Of that: the rank of the variant that counts it, 0 where none does. */
  readonly countedRank: string
  /** Of that: the second of the first exposure. */
  readonly firstSecond: string
}

/** The state under each policy; the names are those that it is kept by. */
// One groupBitOr of a rank and its complement keeps 8 bytes and finds two ranks as exactly as min and max do in 32.
// The second is enough for a bucket, whose edges lie on whole seconds in every zone; the order of two exposures
// of one identity needs the instant itself, so first-seen keeps nanoseconds, with the rank below them for ties.
export const rankedStates: Readonly<
  Record<
    MultiVariantPolicy,
    (
      rank: string,
      exposedAt: string,
      names: Readonly<Record<'rankBits' | 'firstSecond' | 'firstNanoAndRank', string>>,
    ) => RankedState
  >
> = {
  quarantine: (rank, exposedAt, { rankBits: bits, firstSecond }) => ({
    identityState: [`${rankBits(rank)} AS ${bits}`, `min(toUnixTimestamp(${exposedAt})) AS ${firstSecond}`],
    countedRank: `if(${isOneRank(bits)}, toUInt32(${bits}), 0)`,
    firstSecond,
  }),
  'first-seen': (rank, exposedAt, { firstNanoAndRank }) => ({
    identityState: [`min(${nanoAndRank(exposedAt, rank)}) AS ${firstNanoAndRank}`],
    countedRank: rankOf(firstNanoAndRank),
    firstSecond: `toUInt32(intDiv(${firstNanoAndRank}, 4294967296000000000))`,
  }),
}

/** The instant of an exposure with the variant's rank below it, as one integer. */
export function nanoAndRank(exposedAt: string, rank: string): string {
  return `toInt128(${nanoseconds(exposedAt)}) * 4294967296 + ${rank}`
}

/** The rank in that integer. */
export function rankOf(nanoAndRanked: string): string {
  return `toUInt32(${nanoAndRanked} % 4294967296)`
}
