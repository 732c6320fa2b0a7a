import { isDeepStrictEqual } from 'node:util'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { isExposureError } from 'first-exposure'
import { classifyFailure } from 'first-exposure/clickhouse'
import { startServer } from '../../engine/server.js'
import { changes, makeEvents, questions } from './questions.js'

// Changes the server's settings one at a time and asks every question under each: the answer must be the same, or the
// question must fail with a code. So must what a statement of a rollup writes. `npm run check:settings`, about half an
// hour; the list of those that fail stands in the guide on security. With the names of settings as arguments, it
// changes these alone.

// Numbers that limit or change what a query may do, and values that a profile may have.
const numbers: Readonly<Record<string, number | string>> = {
  limit: 2,
  offset: 2,
  max_rows_to_read: 10,
  max_bytes_to_read: 1000,
  max_rows_to_read_leaf: 10,
  max_result_rows: 2,
  max_result_bytes: 50,
  max_rows_to_group_by: 3,
  max_rows_to_sort: 2,
  max_bytes_to_sort: 50,
  max_rows_in_set: 1,
  max_rows_in_distinct: 1,
  max_rows_in_join: 1,
  max_rows_to_transfer: 1,
  max_execution_time: 0.000001,
  max_subquery_depth: 3,
  max_columns_to_read: 2,
  max_temporary_columns: 2,
  max_ast_depth: 20,
  max_ast_elements: 50,
  max_query_size: 500,
  max_memory_usage: 1000,
  max_bytes_before_external_group_by: 1,
  max_bytes_before_external_sort: 1,
  max_threads: 1,
  max_block_size: 3,
  group_by_two_level_threshold: 1,
  group_by_two_level_threshold_bytes: 1,
  min_execution_speed: 1e12,
  additional_result_filter: '1 = 0',
  join_default_strictness: 'ANY',
  session_timezone: 'Asia/Tokyo',
  date_time_output_format: 'iso',
  date_time_input_format: 'best_effort',
  count_distinct_implementation: 'uniq',
  dialect: 'clickhouse',
  union_default_mode: 'DISTINCT',
  except_default_mode: 'DISTINCT',
  intersect_default_mode: 'DISTINCT',
  distributed_product_mode: 'deny',
  join_algorithm: 'full_sorting_merge',
  date_time_overflow_behavior: 'throw',
  totals_mode: 'before_having',
  timeout_before_checking_execution_speed: 0,
  max_rows_in_set_to_optimize_join: 1,
  max_execution_time_leaf: 0.000001,
}
// The Bools that a statement sets itself. The rights of the user matter for these, and for no other Bool.
const overridden: ReadonlySet<string> = new Set([
  'enable_global_with_statement',
  'empty_result_for_aggregation_by_empty_set',
  'use_query_cache',
  'force_index_by_date',
  'force_primary_key',
])
// Every overflow mode, together with the limits that make it act.
const overflows: readonly (readonly [string, string, Readonly<Record<string, number>>])[] = [
  ['read_overflow_mode', 'break', { max_rows_to_read: 10 }],
  ['read_overflow_mode_leaf', 'break', { max_rows_to_read_leaf: 10 }],
  ['result_overflow_mode', 'break', { max_result_rows: 2 }],
  ['group_by_overflow_mode', 'any', { max_rows_to_group_by: 3 }],
  ['group_by_overflow_mode', 'break', { max_rows_to_group_by: 3 }],
  ['sort_overflow_mode', 'break', { max_rows_to_sort: 2 }],
  ['set_overflow_mode', 'break', { max_rows_in_set: 1 }],
  ['join_overflow_mode', 'break', { max_rows_in_join: 1 }],
  ['distinct_overflow_mode', 'break', { max_rows_in_distinct: 1 }],
  ['transfer_overflow_mode', 'break', { max_rows_to_transfer: 1 }],
  ['timeout_overflow_mode', 'break', { max_execution_time: 0.000001 }],
  ['timeout_overflow_mode_leaf', 'break', { max_execution_time_leaf: 0.000001 }],
]

const server = await startServer()
const client = createClient({
  url: server.url,
  request_timeout: 20_000,
  log: { level: ClickHouseLogLevel.OFF },
})
try {
  await makeEvents(client)
  const expected = new Map<string, unknown>()
  const all = { ...questions, ...changes }
  for (const [name, ask] of Object.entries(all)) expected.set(name, await ask(client, {}))
  // A question that does not answer the same twice could not show a difference.
  for (const [name, ask] of Object.entries(all)) {
    if (!isDeepStrictEqual(await ask(client, {}), expected.get(name)))
      throw new Error(`${name} differs by itself.`)
  }

  const booleans = await (
    await client.query({
      query: `SELECT name, value FROM system.settings WHERE type = 'Bool' AND NOT is_obsolete ORDER BY name`,
      format: 'JSONEachRow',
    })
  ).json<{ name: string; value: string }>()
  const everyCase = [
    ...booleans.map(({ name, value }) => ({
      name,
      settings: { [name]: value === '1' ? 0 : 1 },
      isBoolean: true,
    })),
    ...Object.entries(numbers).map(([name, value]) => ({
      name,
      settings: { [name]: value },
      isBoolean: false,
    })),
    ...overflows.map(([name, mode, limits]) => ({
      name: `${name} = ${mode}`,
      settings: { [name]: mode, ...limits },
      isBoolean: false,
    })),
  ]

  const only = new Set(process.argv.slice(2))
  const cases = everyCase.filter(({ name }) => only.size === 0 || only.has(name))
  const wrong: string[] = []
  const failed = new Map<string, Map<string, string[]>>()
  for (const [place, { name, settings, isBoolean }] of cases.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`\r${place + 1}/${cases.length} ${name.padEnd(70)}`)
    for (const readonly of isBoolean && !overridden.has(name) ? [false] : [false, true]) {
      // A readonly = 1 user writes nothing.
      for (const [question, ask] of Object.entries(readonly ? questions : all)) {
        const asked = readonly ? { ...settings, readonly: 1 } : settings
        try {
          const answer = await ask(client, asked)
          if (!isDeepStrictEqual(answer, expected.get(question)))
            wrong.push(`${name}: ${question}${readonly ? ' (readonly = 1)' : ''}`)
        } catch (error) {
          // What the library itself refuses has a code of its own; what the server refuses is classified.
          const code = isExposureError(error) ? error.code : classifyFailure(error).code
          const codes = failed.get(name) ?? new Map<string, string[]>()
          const by = `${code}${readonly ? ', readonly = 1' : ''}`
          failed.set(name, codes.set(by, [...(codes.get(by) ?? []), question]))
          if (code === 'unknown') wrong.push(`${name}: ${question} fails without a code: ${String(error)}`)
        }
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${' '.repeat(90)}\r`)

  for (const [name, codes] of failed) {
    const words = [...codes].map(
      ([code, which]) => `${code}: ${inWords(which, code.endsWith('readonly = 1'))}`,
    )
    console.log(`${name.padEnd(48)} ${words.join('; ')}`)
  }
  console.log(`\n${cases.length} settings, ${failed.size} of them fail a question with a code.`)
  if (wrong.length > 0) {
    console.error(`\nAnother answer without an error:\n${wrong.join('\n')}`)
    process.exitCode = 1
  }
} finally {
  await client.close()
  await server.stop()
}

/** The questions by name, or by those that are not among them. */
function inWords(which: readonly string[], readonly: boolean): string {
  const asked = Object.keys(readonly ? questions : { ...questions, ...changes })
  const others = asked.filter((name) => !which.includes(name))
  if (others.length === 0) return 'all'
  return others.length < which.length ? `all but ${others.join('; ')}` : which.join('; ')
}
