import { eventDispositions, type EventDisposition } from '../../scan/event-disposition.js'
import {
  assertRows,
  cell,
  columnOf,
  decodeCount,
  decodeInteger,
  decodeText,
  malformedRow,
  orNull,
} from '../cell.js'

/** The names of the ledger's columns, for the SELECT and for the decoder. */
export const ledgerColumns: {
  readonly entry: 'entry'
  readonly variant: 'variant'
  readonly events: 'events'
  readonly identities: 'identities'
  readonly latenessSeconds: 'lateness_seconds'
} = /* @__PURE__ */ Object.freeze({
  entry: 'entry',
  variant: 'variant',
  events: 'events',
  identities: 'identities',
  latenessSeconds: 'lateness_seconds',
})

/** What is counted of the identifiers if the spec has aliases. The last one counts identities. */
export type AliasEntry = (typeof aliasEntries)[number]

/** All of these entries. Their rows have no events. */
export const aliasEntries: readonly ['joined', 'ambiguous', 'chained', 'quarantined-by-joining'] =
  /* @__PURE__ */ Object.freeze(['joined', 'ambiguous', 'chained', 'quarantined-by-joining'] as const)

/** One entry of the ledger: its events and their variant, if they have one. */
export interface LedgerRow {
  /** The kind of entry. All after the dispositions count the exposures again, or identifiers. */
  readonly entry: EventDisposition | 'counted' | 'quarantined' | AliasEntry | 'arrived' | 'arrived-late'
  /** The event's own variant. For `counted`, the identity's variant. */
  readonly variant: string | null
  readonly events: number
  /** The identities of the events. For the entries about aliases, the number of identifiers or identities. */
  readonly identities: number
  /** For `arrived`: the quantiles 0.5, 0.9, 0.99 and 1. */
  readonly latenessSeconds: readonly number[]
}

const withVariant: readonly string[] = ['no-identity', 'exposure', 'counted']
const withoutVariant: readonly string[] = ['no-variant', 'quarantined', 'arrived', 'arrived-late']
const entries: readonly string[] = [
  ...new Set<string>([...eventDispositions, ...withVariant, ...withoutVariant, ...aliasEntries]),
]

/** Checks and converts every row that `exposureLedgerQuery` returns. Throws `malformed-rows`. */
export function decodeExposureLedgerRows(rows: readonly unknown[]): readonly LedgerRow[] {
  assertRows(rows)
  const listed = new Map<string, Set<string | null>>()
  return rows.map((row, index) => {
    const decoded = decodeLedgerRow(row, index)
    const { entry, variant, events, identities, latenessSeconds } = decoded
    const refuse = (column: string, advice: string): never => {
      throw malformedRow(index, column, columnOf(row, index, column), advice)
    }
    if ((variant === null ? withVariant : withoutVariant).includes(entry)) {
      refuse(ledgerColumns.variant, `Expected ${variant === null ? 'a key' : 'NULL'} for ${entry}.`)
    }
    const isAboutAliases = aliasEntries.some((each) => each === entry)
    if (!isAboutAliases && identities > events)
      refuse(ledgerColumns.identities, 'Expected no more than there are events.')
    if (latenessSeconds.length !== (entry === 'arrived' ? 4 : 0)) {
      refuse(ledgerColumns.latenessSeconds, 'Expected four quantiles for arrived, and none elsewhere.')
    }
    const variants = listed.get(entry) ?? new Set()
    if (!isAboutAliases && variants.has(variant)) {
      refuse(ledgerColumns.entry, 'It is listed already for the same variant, so one would be lost.')
    }
    listed.set(entry, variants.add(variant))
    return decoded
  })
}

function decodeLedgerRow(row: unknown, index: number): LedgerRow {
  const { entry, variant, events, identities, latenessSeconds } = ledgerColumns
  const count = 'a whole number from 0 to 2^53 - 1'
  return {
    entry: cell(row, index, entry, decodeEntry, `one of ${entries.join(', ')}`),
    variant: cell(row, index, variant, orNull(decodeText), 'the variant’s key or NULL'),
    events: cell(row, index, events, decodeCount, count),
    identities: cell(row, index, identities, decodeCount, count),
    latenessSeconds: cell(row, index, latenessSeconds, decodeIntegers, 'a list of whole numbers'),
  }
}

function decodeEntry(value: unknown): LedgerRow['entry'] | undefined {
  return entries.includes(value as string) ? (value as LedgerRow['entry']) : undefined
}

function decodeIntegers(value: unknown): readonly number[] | undefined {
  const integers = Array.isArray(value) ? value.map(decodeInteger) : [undefined]
  return integers.every((each) => each !== undefined) ? integers : undefined
}
