import { withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import { tableOf, type SourceTable } from './exposure-source.js'
import { aSourceColumn, type SourceColumn } from './source-column.js'

/** A table that says which identifiers stand for which others. Made by `exposureSpec`. */
export interface IdentityAliases {
  readonly table: SourceTable
  /** The identifier that stands for another one. */
  readonly from: SourceColumn
  /** The identifier that it stands for. */
  readonly to: SourceColumn
}

/**
 * A table of the caller's that says which identifiers stand for which others, for example an anonymous identifier for
 * that of a user. Each row is one alias.
 */
export interface IdentityAliasesInput {
  /** A table of the connection's own database, or of a named database. Never the tables of a cluster's shards. */
  readonly table: string | { readonly database?: string | null; readonly table: string }
  /** The column of the identifier that stands for another one, or an expression over the table's columns. */
  readonly from: SourceColumn
  /** The column of the identifier that it stands for, or an expression over the table's columns. */
  readonly to: SourceColumn
}

/** Completes and checks the aliases of a spec. Throws `invalid-spec`, naming the field. */
export function identityAliases(input: IdentityAliasesInput): IdentityAliases {
  const { table, from, to } = withFields(input, ['table', 'from', 'to'], 'aliases', invalidSpec)
  const aliases: IdentityAliases = {
    table: tableOf(table, ['database', 'table'], 'aliases.table'),
    from: aSourceColumn(from, 'aliases.from', invalidSpec),
    to: aSourceColumn(to, 'aliases.to', invalidSpec),
  }
  if (aliases.from === aliases.to) {
    throw invalidSpec(
      'aliases.to',
      to,
      'Name the column of the identifier that it stands for.',
      'aliases.from and aliases.to are the same column, so every identifier would stand for itself.',
    )
  }
  return deepFreeze(aliases)
}
