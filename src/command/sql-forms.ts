import { inlineParameters, type QueryParams } from '../index.js'
import type { PrintedStatement } from './sql-statements.js'

/** The forms in which statements are printed. */
export const sqlForms = ['json', 'set', 'http', 'inline'] as const

/** The statements as text, in one of the forms. `except` stay parameters in the form `inline`. */
export function printedStatements(
  statements: readonly PrintedStatement[],
  form: (typeof sqlForms)[number],
  except: readonly string[] = [],
): string {
  if (form === 'json') {
    const [first] = statements
    return `${JSON.stringify(statements.length === 1 ? first : statements, null, 2)}\n`
  }
  return statements
    .map(({ query, query_params }) => {
      if (form === 'inline') {
        const text = inlineParameters({ query, query_params }, except.length === 0 ? {} : { except })
        // One alone goes into parentheses, or behind CREATE VIEW … AS; several need something between them.
        return statements.length === 1 ? `${text}\n` : `${text};\n`
      }
      const values = Object.entries(query_params).map(
        ([name, value]) => [name, parameterText(value)] as const,
      )
      if (form === 'http') {
        const search = new URLSearchParams(values.map(([name, value]) => [`param_${name}`, value]))
        return `${search.toString()}\n${query}\n`
      }
      return `${values.map(([name, value]) => `SET param_${name} = ${quoted(value)};\n`).join('')}${query};\n`
    })
    .join('\n')
}

/** A value as ClickHouse reads it from `param_…` of its HTTP interface: text as in a file of tab-separated values. */
export function parameterText(value: QueryParams[string]): string {
  if (Array.isArray(value)) {
    const each = (value as readonly (string | number)[]).map((item) =>
      typeof item === 'string' ? quoted(item) : String(item),
    )
    return `[${each.join(',')}]`
  }
  return typeof value === 'string' ? escaped(value) : String(value)
}

function quoted(text: string): string {
  return `'${escaped(text).replaceAll("'", "\\'")}'`
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
}

function escaped(text: string): string {
  return text.replaceAll(/[\\\t\n\r\0]/g, (character) => escapes[character] ?? character)
}
