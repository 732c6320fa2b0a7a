import type { ExposureSpec, IdentityKey } from '../experiment/exposure-spec.js'
import { tableName } from '../sql/identifiers.js'
import type { OwnNames } from '../sql/own-names.js'
import { sql, where, type Sql } from '../sql/sql.js'
import { columnSql, isIdentity } from './columns.js'
import { partitionHash } from './identity-partition.js'

/**
 * Which identifiers stand for which others, as fragments: one row for each identifier that has an alias. It is joined to
 * the states of identifiers, which are fewer than the events. So every step that only an alias needs is after the scan.
 */
export interface AliasMap {
  /** The name of the map in a statement. */
  readonly name: Sql
  /** The map as a part of a WITH. */
  readonly step: Sql
  /** An identifier, as states are grouped by it, in the form in which the map holds it. */
  readonly keyOf: (group: Sql) => Sql
  /** The identifier that stands for another one. */
  readonly from: Sql
  /** The identifier that it stands for. It counts only if the alias is applied. */
  readonly to: Sql
  /** What decides the partition of that identifier. */
  readonly partition: Sql
  /** Whether the alias is applied: it has one target. False for an identifier that is not in the map. */
  readonly applied: Sql
  /** Whether it has several targets. False for an identifier that is not in the map. */
  readonly ambiguous: Sql
  /** Whether the identifier that it stands for stands for another one itself. */
  readonly chained: Sql
  /** A SELECT of the identifiers of the map for which these conditions hold. */
  readonly where: (conditions: readonly Sql[]) => Sql
  /** States of identifiers, each with its row of the map, as written after FROM. */
  readonly joinedTo: (states: Sql, identifier: Sql) => Sql
  /** What an identifier of joined states resolves to, in the form in which the map holds it. */
  readonly resolved: (identifier: Sql) => Sql
  /** The same in the identifier's own type. Fails for a text that is no value of it. */
  readonly resolvedTyped: (identifier: Sql) => Sql
  /** A text that may be an identifier, in the form in which the map holds it: a scalar. */
  readonly keyOfText: (text: Sql) => Sql
}

/** How exposures hold an identity. */
interface IdentityForm {
  /** An identifier of the identity's column, as the exposures hold it. */
  readonly identityOf: (identifier: Sql) => Sql
  /** What distinguishes it from others. */
  readonly groupOf: (identity: Sql) => Sql
}

/** The map of a spec's aliases. `null` if it has none. */
export function aliasMap(
  { aliases, identityKey }: ExposureSpec,
  scan: { readonly from: Sql; readonly identity: Sql; readonly own: OwnNames },
  { identityOf, groupOf }: IdentityForm,
): AliasMap | null {
  if (aliases === null) return null
  const [name, from, to, partition, applied, ambiguous, identifiers] = scan.own(
    'identity_aliases',
    'alias_from',
    'alias_to',
    'alias_partition',
    'alias_applied',
    'alias_ambiguous',
    'identifiers',
  )
  const [target, targetPartition, fromText, toText, rowsOfTable, sampled, sample] = scan.own(
    'alias_target',
    'alias_target_partition',
    'alias_from_text',
    'alias_to_text',
    'alias_rows',
    'identity_type',
    'identity_sample',
  )
  const keyOf = mapKeys[identityKey]
  const key = (identifier: Sql): Sql => keyOf(groupOf(identityOf(identifier)))
  const partitionOf = (identifier: Sql): Sql => partitionHash(identityOf(identifier))
  const [columnFrom, columnTo] = [columnSql(aliases.from, 'alias_from'), columnSql(aliases.to, 'alias_to')]
  // No row is read: a column of the identity's type, because only the type of a column is a constant.
  const ofIdentityType = sql`(SELECT any(assumeNotNull(${scan.identity})) AS ${sample} FROM ${scan.from} WHERE 0) AS ${sampled}`
  const value = (text: Sql): Sql => sql`accurateCastOrNull(${text}, toTypeName(${sample}))`
  // A text that is a value of the identity's column is used as one: to a column of numbers, 007 is 7.
  const eitherForm = (text: Sql, form: (identifier: Sql) => Sql): Sql =>
    sql`if(${value(text)} IS NULL, ${form(text)}, ${form(value(text))})`
  const rows = (conditions: readonly Sql[]): Sql => sql`SELECT ${from} FROM ${name} ${where(conditions)}`
  // With the setting join_use_nulls, an identifier that is not in the map has NULL.
  const isApplied = sql`ifNull(${applied}, 0)`
  const resolved = (identifier: Sql): Sql => sql`if(${isApplied}, assumeNotNull(${to}), ${keyOf(identifier)})`
  return {
    name,
    step: sql`
      ${name} AS (
        SELECT
          ${from},
          min(${target}) AS ${to},
          min(${targetPartition}) AS ${partition},
          min(${target}) = max(${target}) AS ${applied},
          min(${target}) != max(${target}) AS ${ambiguous}
        FROM (
          SELECT
            ${eitherForm(fromText, key)} AS ${from},
            ${eitherForm(toText, key)} AS ${target},
            ${eitherForm(toText, partitionOf)} AS ${targetPartition}
          FROM (
            SELECT
              assumeNotNull(toString(${columnFrom})) AS ${fromText},
              assumeNotNull(toString(${columnTo})) AS ${toText}
            FROM ${tableName(aliases.table)}
            ${where([isIdentity(columnFrom), isIdentity(columnTo)])}
          ) AS ${rowsOfTable}
          CROSS JOIN ${ofIdentityType}
          WHERE ifNull(${isIdentity(value(toText))}, 1)
        )
        WHERE ${from} != ${target}
        GROUP BY ${from}
      )
    `,
    keyOf,
    from,
    to,
    partition,
    applied: isApplied,
    ambiguous: sql`ifNull(${ambiguous}, 0)`,
    chained: sql`(${isApplied} AND ${to} IN (${rows([isApplied])}))`,
    where: rows,
    joinedTo: (states, identifier) => sql`
      (
        ${states}
      ) AS ${identifiers}
      ANY LEFT JOIN ${name} ON ${keyOf(identifier)} = ${from}
    `,
    resolved,
    resolvedTyped: (identifier) => sql`CAST(${resolved(identifier)}, toTypeName(${identifier}))`,
    keyOfText: (text) => sql`(SELECT ${eitherForm(text, key)} FROM ${ofIdentityType})`,
  }
}

// The text of an identifier is the same whatever the type of the column. Hashes are compared as they are.
const mapKeys: Readonly<Record<IdentityKey, (group: Sql) => Sql>> = {
  hash: (group) => group,
  exact: (group) => sql`toString(${group})`,
}
