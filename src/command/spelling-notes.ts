import type { ClickHouseClient } from '@clickhouse/client'
import type { FileCleaning } from './file-load.js'
import { ReportError } from './report-error.js'
import { count, counted, variantLabel } from './words.js'

/** Words that programs write where there is no value. */
const nullWords = ['', 'null', 'nan', 'none', 'n/a', 'na', 'undefined', 'nil', '<na>', '#n/a', '(null)']

/** What a table of exposures holds, and how its values are spelled. */
interface Spelling {
  readonly rows: number
  /** The rows without an identity or a variant. */
  readonly unusable: number
  readonly variants: readonly string[]
  readonly notes: readonly string[]
}

/** Above this, whether identities differ only in case is asked of one in sixteen of them. */
const fewRows = 5_000_000

/**
 * What the reader should know about how variants and identities are spelled: some that differ only in case or spaces,
 * and words that usually stand for no value. Says also which variants there are.
 */
export async function spellingNotes(
  client: ClickHouseClient,
  { foldCase, nulls }: Pick<FileCleaning, 'foldCase' | 'nulls'>,
): Promise<Spelling> {
  const counts = await client.query({
    query: `SELECT
        count() AS rows,
        countIf(identity IS NULL OR identity = '' OR variant IS NULL) AS unusable,
        countIf(identity != lowerUTF8(trimBoth(identity))) AS odd,
        countIf(length(identity) < 10 AND lower(identity) IN {words:Array(String)}) AS words
      FROM exposures`,
    query_params: { words: nullWords.filter((word) => word !== '') },
    format: 'JSONEachRow',
  })
  const [totals] = await counts.json<Record<'rows' | 'unusable' | 'odd' | 'words', string | number>>()
  const of = (name: 'rows' | 'unusable' | 'odd' | 'words'): number => Number(totals?.[name] ?? 0)
  const found = await client.query({
    query: `SELECT variant AS name, count() AS rows, isValidUTF8(variant) AS is_text
      FROM exposures WHERE variant IS NOT NULL AND identity != ''
      GROUP BY name ORDER BY rows DESC, name LIMIT 1000`,
    format: 'JSONEachRow',
  })
  const variants = await found.json<{ name: string; rows: string | number; is_text: number }>()
  if (variants.some(({ is_text }) => !is_text)) {
    throw new ReportError(
      'a variant has letters that are not UTF-8: say how the file is written, such as --encoding latin1',
    )
  }
  const rowsOf = new Map(variants.map(({ name, rows }) => [name, Number(rows)]))
  const notes: string[] = []
  const spellings = new Map<string, string[]>()
  for (const name of rowsOf.keys()) {
    const folded = name.trim().toLowerCase()
    spellings.set(folded, [...(spellings.get(folded) ?? []), name])
  }
  const alike = [...spellings.values()].filter(({ length }) => length > 1)
  for (const names of foldCase ? [] : alike.slice(0, 3)) {
    const [first = '', ...others] = names
    notes.push(
      `The variants ${names.map((name) => `${JSON.stringify(variantLabel(name))} (${counted(rowsOf.get(name) ?? 0, 'event', 'events')})`).join(' and ')} ` +
        `differ only in case or spaces, and count apart; to join them, add --fold-case, or ` +
        `${others.map((name) => `--rename ${JSON.stringify(`${variantLabel(name)}=${variantLabel(first)}`)}`).join(' ')}.`,
    )
  }
  const wordLike = [...rowsOf.keys()].filter((name) => nullWords.includes(name.trim().toLowerCase()))
  for (const name of wordLike) {
    notes.push(
      `The variant ${name.trim() === '' ? '(empty)' : JSON.stringify(variantLabel(name))} counts like any other; if it stands for none, add --null ${name.trim() === '' ? "''" : JSON.stringify(name)}.`,
    )
  }
  if (of('words') > 0) notes.push(...(await wordNotes(client, nulls)))
  if (!foldCase && of('odd') > 0) notes.push(...(await identityNotes(client, of('rows'))))
  return { rows: of('rows'), unusable: of('unusable'), variants: [...rowsOf.keys()], notes }
}

async function wordNotes(client: ClickHouseClient, nulls: readonly string[]): Promise<readonly string[]> {
  const result = await client.query({
    query: `SELECT identity AS word, count() AS rows
      FROM exposures
      WHERE length(identity) < 10 AND lower(identity) IN {words:Array(String)}
      GROUP BY word ORDER BY rows DESC, word LIMIT 3`,
    query_params: { words: nullWords.filter((word) => word !== '') },
    format: 'JSONEachRow',
  })
  const words = await result.json<{ word: string; rows: string | number }>()
  return words
    .filter(({ word }) => !nulls.includes(word))
    .map(
      ({ word, rows }) =>
        `${counted(Number(rows), 'event has', 'events have')} the identity ${JSON.stringify(word)}, which counts like any other; if it stands for none, add --null ${JSON.stringify(word)}.`,
    )
}

async function identityNotes(client: ClickHouseClient, rows: number): Promise<readonly string[]> {
  const folded = 'lowerUTF8(trimBoth(identity))'
  const share = rows > fewRows ? 16 : 1
  const result = await client.query({
    query: `SELECT count() AS alike
      FROM
      (
        SELECT sipHash64(${folded}) AS key
        FROM exposures
        WHERE identity != '' AND key % {share:UInt8} = 0
        GROUP BY key
        HAVING min(identity) != max(identity)
      )`,
    query_params: { share },
    format: 'JSONEachRow',
  })
  const [found] = await result.json<{ alike: string | number }>()
  const alike = Number(found?.alike ?? 0) * share
  return alike === 0
    ? []
    : [
        `${share > 1 ? 'About ' : ''}${count(alike)} ${alike === 1 ? 'identity is' : 'identities are'} written in several ways that differ only in case or spaces, and count apart; to join them, add --fold-case.`,
      ]
}
