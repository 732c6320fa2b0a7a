import { boundType, type BoundValue, type TrustedSql } from './trusted-sql.js'

/** A value in a fragment. It is kept apart from the text, under this name and with this ClickHouse type. */
interface Parameter {
  readonly name: string
  readonly type: string
  readonly value: BoundValue
}

/** Text that must not be indented: a line feed in it can be part of a name or of a literal. */
interface Verbatim {
  readonly verbatim: string
}

/**
 * A fragment of SQL with the parameters that it needs. Text and parameters alternate, so that neither can be used
 * without the other. Made by {@link sql} and the functions of this file. No string from elsewhere becomes text.
 */
export interface Sql {
  readonly parts: readonly (string | Verbatim | Parameter)[]
}

/** What a template can contain: a fragment, or a number that is part of the statement's own text. */
type Embedded = Sql | number | bigint

/**
 * Tags a template as a fragment. The shared indent of its lines is removed. A fragment of several lines takes the
 * indent of the line on which it stands. A line that holds only empty fragments is left out.
 */
export function sql(template: TemplateStringsArray, ...embedded: readonly Embedded[]): Sql {
  const lines = dedented(template).map((line) => {
    const indent = /^ */.exec(String(line[0]))?.[0] ?? ''
    const parts = line.flatMap((piece): Sql['parts'] =>
      typeof piece === 'string' ? [piece] : indented(partsOf(embedded[piece]), indent),
    )
    const isEmpty = parts.every((part) => typeof part === 'string' && part.trim() === '')
    return isEmpty && line.some((piece) => typeof piece === 'number') ? undefined : parts
  })
  return joined(
    lines.filter((line) => line !== undefined).map((parts) => ({ parts })),
    '\n',
  )
}

/** The lines of the template, each as its text and the positions of what is embedded in it. */
function dedented({ raw }: TemplateStringsArray): readonly (string | number)[][] {
  const lines: (string | number)[][] = [[]]
  for (const [place, text] of raw.entries()) {
    if (place > 0) lines.at(-1)?.push(place - 1)
    const [first = '', ...following] = text.split('\n')
    lines.at(-1)?.push(first)
    lines.push(...following.map((line) => [line]))
  }
  const isBlank = (line: readonly (string | number)[] | undefined): boolean =>
    line?.every((piece) => typeof piece === 'string' && piece.trim() === '') ?? false
  if (lines.length > 1 && isBlank(lines[0])) lines.shift()
  if (lines.length > 1 && isBlank(lines.at(-1))) lines.pop()
  const indents = lines
    .filter((line) => !isBlank(line))
    .map(([first = '']) => String(first).length - String(first).trimStart().length)
  const shared = Math.min(...indents)
  return lines.map(([first = '', ...rest]) => [String(first).slice(shared), ...rest])
}

function partsOf(embedded: Embedded | undefined): Sql['parts'] {
  return typeof embedded === 'object' ? embedded.parts : [String(embedded)]
}

function indented(parts: Sql['parts'], indent: string): Sql['parts'] {
  return indent === ''
    ? parts
    : parts.map((part) => (typeof part === 'string' ? part.replaceAll('\n', `\n${indent}`) : part))
}

/** This library's own text: the name of a step, a keyword, a function. It never comes from a caller. */
export function text(own: string): Sql {
  return { parts: [own] }
}

/** Text that is kept unchanged, with all its lines. */
export function verbatim(kept: string): Sql {
  return { parts: [{ verbatim: kept }] }
}

/** No SQL. */
export const nothing: Sql = /* @__PURE__ */ Object.freeze({ parts: [] })

/** A value under its name and type: `{start_ms:Int64}`. */
export function bound(name: string, type: string, value: BoundValue): Sql {
  return { parts: [{ name, type, value }] }
}

/** A trusted expression in parentheses. Its values are bound under names that start with `prefix`. */
export function trusted(fragment: TrustedSql, prefix: string): Sql {
  return { parts: ['(', ...trustedParts(fragment, prefix), ')'] }
}

/** A trusted SELECT in parentheses, on lines of its own, so that a comment at its end ends there. */
export function trustedSelect(fragment: TrustedSql, prefix: string): Sql {
  return { parts: ['(\n', ...trustedParts(fragment, prefix), '\n)'] }
}

function trustedParts({ sql: pieces, values }: TrustedSql, prefix: string): Sql['parts'] {
  const last = pieces.length - 1
  return pieces.flatMap((piece, index): Sql['parts'] => {
    const fromStart = index === 0 ? piece.trimStart() : piece
    const kept = { verbatim: index === last ? fromStart.trimEnd() : fromStart }
    const value = values[index]
    return value === undefined
      ? [kept]
      : [
          kept,
          {
            name: `${prefix}_value_${index + 1}`,
            type: boundType(value),
            value,
          },
        ]
  })
}

/** The fragments with a separator between them. */
export function joined(fragments: readonly Sql[], separator: string): Sql {
  return {
    parts: fragments.flatMap(({ parts }, index) => (index === 0 ? parts : [separator, ...parts])),
  }
}

/** The same fragment, with the names of its parameters after a prefix. */
export function prefixed({ parts }: Sql, prefix: string): Sql {
  return {
    parts: parts.map((part) =>
      typeof part === 'object' && 'name' in part ? { ...part, name: `${prefix}${part.name}` } : part,
    ),
  }
}

/** Several fragments, each on its own line, separated by commas. */
export function lines(...fragments: readonly Sql[]): Sql {
  return joined(fragments, ',\n')
}

/** A WHERE. No SQL if there are no predicates. */
export function where(predicates: readonly Sql[]): Sql {
  return predicates.length === 0 ? nothing : sql`WHERE ${joined(predicates, '\n  AND ')}`
}

/** This library's own names as SQL, such as those of an answer's columns. */
export function texts<Names extends Readonly<Record<string, string>>>(
  names: Names,
): { readonly [Name in keyof Names]: Sql } {
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, text(name)])) as {
    readonly [Name in keyof Names]: Sql
  }
}
