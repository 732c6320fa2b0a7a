import { eventDispositions, type EventDisposition } from '../query/event-disposition.js'
import { ledgerColumns } from '../query/ledger-columns.js'
import {
  assertRows,
  cell,
  columnOf,
  decodeCount,
  decodeInteger,
  decodeText,
  malformedRow,
  orNull,
} from './cell.js'

/** Events of one disposition and, where they have one, of one variant. */
export interface LedgerRow {
  /** The last four are about the exposures once more: by identity, and by arrival. */
  readonly disposition: EventDisposition | 'counted' | 'quarantined' | 'arrived' | 'arrived-late'
  /** The event's own; of `counted`, the identity's. */
  readonly variant: string | null
  readonly events: number
  readonly identities: number
  /** Of `arrived`: the quantiles 0.5, 0.9, 0.99 and 1. */
  readonly latenessSeconds: readonly number[]
}

const withVariant: readonly string[] = ['no-identity', 'exposure', 'counted']
const withoutVariant: readonly string[] = ['no-variant', 'quarantined', 'arrived', 'arrived-late']
const dispositions: readonly string[] = [
  ...new Set<string>([...eventDispositions, ...withVariant, ...withoutVariant]),
]

/** Checks and converts every row of the answer to `exposureLedgerQuery`. Throws `malformed-rows`. */
export function decodeLedgerRows(rows: readonly unknown[]): readonly LedgerRow[] {
  assertRows(rows)
  const listed = new Map<string, Set<string | null>>()
  return rows.map((row, index) => {
    const decoded = decodeLedgerRow(row, index)
    const { disposition, variant, events, identities, latenessSeconds } = decoded
    const refuse = (column: string, advice: string): never => {
      throw malformedRow(index, column, columnOf(row, index, column), advice)
    }
    if ((variant === null ? withVariant : withoutVariant).includes(disposition)) {
      refuse(ledgerColumns.variant, `Expected ${variant === null ? 'a key' : 'NULL'} for ${disposition}.`)
    }
    if (identities > events) refuse(ledgerColumns.identities, 'Expected no more than there are events.')
    if (latenessSeconds.length !== (disposition === 'arrived' ? 4 : 0)) {
      refuse(ledgerColumns.latenessSeconds, 'Expected four quantiles for arrived, and none elsewhere.')
    }
    const variants = listed.get(disposition) ?? new Set()
    if (variants.has(variant)) {
      refuse(ledgerColumns.disposition, 'It is listed already for the same variant, so one would be lost.')
    }
    listed.set(disposition, variants.add(variant))
    return decoded
  })
}

function decodeLedgerRow(row: unknown, index: number): LedgerRow {
  const { disposition, variant, events, identities, latenessSeconds } = ledgerColumns
  const count = 'a whole number from 0 to 2^53 - 1'
  return {
    disposition: cell(row, index, disposition, decodeDisposition, `one of ${dispositions.join(', ')}`),
    variant: cell(row, index, variant, orNull(decodeText), 'the variant’s key or NULL'),
    events: cell(row, index, events, decodeCount, count),
    identities: cell(row, index, identities, decodeCount, count),
    latenessSeconds: cell(row, index, latenessSeconds, decodeIntegers, 'a list of whole numbers'),
  }
}

function decodeDisposition(value: unknown): LedgerRow['disposition'] | undefined {
  return dispositions.includes(value as string) ? (value as LedgerRow['disposition']) : undefined
}

function decodeIntegers(value: unknown): readonly number[] | undefined {
  const integers = Array.isArray(value) ? value.map(decodeInteger) : [undefined]
  return integers.every((each) => each !== undefined) ? integers : undefined
}
