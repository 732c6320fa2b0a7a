import { where } from './where.js'

/** The variants' keys of some exposures in byte order, and where each exposure's stands among them. */
export interface VariantRanks {
  /** The keys as an array by this name: a part of a WITH. */
  readonly variantKeys: string
  /** From 1; 0 for a key that is not among them. */
  readonly rank: string
}

/** Which exposures: the table as it stands after FROM, what they meet, and their variant as text. */
interface RankedScan {
  readonly from: string
  readonly predicates: readonly string[]
  readonly variantKey: string
}

/** The ranks of the variants that a small scan of its own finds. */
export function variantRanks({ from, predicates, variantKey }: RankedScan, name: string): VariantRanks {
  return {
    variantKeys: `(
    SELECT arraySort(groupUniqArray(${variantKey}))
    FROM ${from}${where(predicates, 4)}
  ) AS ${name}`,
    rank: `transform(${variantKey}, ${name}, arrayEnumerate(${name}), 0)`,
  }
}

/** What tells an identity of one variant from one of several: 8 bytes of state. */
export function rankBits(rank: string): string {
  // Times 2³² + 1 writes the rank twice, and the mask turns the upper one into its complement.
  return `groupBitOr(bitXor(${rank} * 4294967297, 18446744069414584320))`
}

/** Whether they are the bits of one rank. */
export function isOneRank(bits: string): string {
  return `bitAnd(${bits}, bitShiftRight(${bits}, 32)) = 0`
}
