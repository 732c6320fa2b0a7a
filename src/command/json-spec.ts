import { trustedSql, type TrustedSql } from '../index.js'
import { ReportError } from './report-error.js'
import { layouts } from './source-options.js'
import type { SqlInput } from './sql-statements.js'

/** A spec in JSON: what a statement is made from, and optionally its name. */
export type JsonSpec = SqlInput & { readonly statement?: string }

// What may stand beside the options of a layout, because it is about the table and not about its columns.
const ofSource = new Set(['final', 'rollup', 'cluster', 'shardedByIdentity'])

const fields = [
  'statement',
  'spec',
  'window',
  'options',
  'identity',
  'experiments',
  'rollup',
  'days',
  'from',
  'identities',
]

/** A spec in JSON that cannot be used. */
export class SpecError extends ReportError {}

/**
 * Reads a spec. An object `{"sql": "…"}` becomes trusted SQL if `trusts` says so, and is refused otherwise: whoever
 * writes such a spec writes the statement. A source may be the name of a layout, or `{"layout": …}` with its options.
 */
export function jsonSpec(text: string, trusts: boolean): JsonSpec {
  let given: unknown
  try {
    given = JSON.parse(text.replace(/^\uFEFF/, ''), (key, value: unknown) =>
      key === 'source' ? sourceIn(sqlIn(value, trusts)) : sqlIn(value, trusts),
    )
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new SpecError(`the spec is not JSON: ${error.message}`, { cause: error })
    throw error
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new SpecError(
      'the spec must be one object of JSON: {"statement": "summary", "spec": {…}, "window": {…}}',
    )
  const unknown = Object.keys(given).find((field) => !fields.includes(field))
  if (unknown !== undefined)
    throw new SpecError(
      `the spec has an unknown field ${JSON.stringify(unknown.slice(0, 60))}; it takes ${fields.join(', ')}`,
    )
  const spec = given as JsonSpec
  checkFields('window', spec.window, ['start', 'asOf'])
  if (spec.experiments !== undefined) {
    if (!Array.isArray(spec.experiments)) throw new SpecError('"experiments" must be a list of {"spec": {…}}')
    for (const [index, each] of spec.experiments.entries()) {
      checkFields(`experiments[${index}]`, each, ['spec', 'window'])
      checkFields(`experiments[${index}].window`, each.window, ['start', 'asOf'])
    }
  }
  if (spec.days !== undefined && !Array.isArray(spec.days))
    throw new SpecError('"days" must be a list of days: ["2026-06-01"]')
  if (spec.identities !== undefined && !Array.isArray(spec.identities))
    throw new SpecError('"identities" must be a list of identities: ["user-17"]')
  return spec
}

function checkFields(path: string, value: unknown, known: readonly string[]): void {
  if (value === undefined) return
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SpecError(`"${path}" must be an object with ${known.join(' and ')}`)
  const unknown = Object.keys(value).find((field) => !known.includes(field))
  if (unknown !== undefined)
    throw new SpecError(
      `"${path}" has an unknown field ${JSON.stringify(unknown.slice(0, 60))}; it takes ${known.join(', ')}`,
    )
}

function sqlIn(value: unknown, trusts: boolean): unknown {
  if (typeof value !== 'object' || value === null || !('sql' in value)) return value
  const { sql, ...others } = value as { readonly sql: unknown }
  if (typeof sql !== 'string' || Object.keys(others).length > 0) return value
  if (!trusts)
    throw new SpecError(
      'the spec has an expression, {"sql": "…"}: its text becomes part of the statement. If you trust whoever wrote it, ' +
        'add --trusted-sql',
    )
  return sqlText(sql)
}

function sqlText(text: string): TrustedSql {
  return trustedSql(Object.assign([text], { raw: [text] }))
}

function sourceIn(value: unknown): unknown {
  const { layout, ...options } = (
    typeof value === 'string' ? { layout: value } : typeof value === 'object' && value !== null ? value : {}
  ) as { readonly layout?: unknown }
  if (layout === undefined) return value
  if (typeof layout !== 'string' || !Object.hasOwn(layouts, layout))
    throw new SpecError(
      `"source" is not a layout: ${JSON.stringify(layout)?.slice(0, 60)}; the layouts are ${Object.keys(layouts).join(', ')}`,
    )
  const own = Object.fromEntries(Object.entries(options).filter(([field]) => ofSource.has(field)))
  const others = Object.fromEntries(Object.entries(options).filter(([field]) => !ofSource.has(field)))
  if (layout === 'flagsmith' && Object.keys(others).some((field) => field !== 'table'))
    throw new SpecError(
      'the layout flagsmith takes a table and no other columns; leave "layout" out to name them in "columns"',
    )
  // The layout of Flagsmith takes no options: its table is a field of the source.
  return layout === 'flagsmith'
    ? { ...layouts.flagsmith(), ...others, ...own }
    : { ...layouts[layout as 'growthbook'](others), ...own }
}
