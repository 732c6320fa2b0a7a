import type { ClickHouseClient } from '@clickhouse/client'
import type { FileCleaning } from './file-load.js'
import { foldedSql, foldedText, withSeenSigns } from './folded.js'
import { oneLine, ReportError } from './report-error.js'
import { cut, visible } from '../panel/variant-label.js'
import { count, counted } from './words.js'

/** Words that programs write where there is no value. */
const nullWords = ['', 'null', 'nan', 'none', 'n/a', 'na', 'undefined', 'nil', '<na>', '#n/a', '(null)']

/** What a table of exposures holds, and how its values are spelled. */
interface Spelling {
  readonly rows: number
  /** The rows without an identity or a variant. */
  readonly unusable: number
  /** When the first and the last row with an identity and a variant were, each down to the millisecond. */
  readonly extent: { readonly firstMs: number; readonly lastMs: number } | undefined
  readonly variants: readonly string[]
  readonly notes: readonly string[]
}

// 1.000 may be 1 as well.
const withThousands = '^[1-9][0-9]{0,2}(?:(?:[, ][0-9]{3})+|(?:[.][0-9]{3}){2,})$'

/** The condition that an identity is a number with zeros or separators that other programs leave out. */
const isOddNumber =
  `(startsWith(identity, '0') AND match(identity, '^0[0-9]+$')) OR endsWith(identity, '.0') ` +
  `OR (substring(identity, -4, 1) IN (',', '.', ' ') AND match(identity, '${withThousands}'))`

/** The condition that an identity is a number that a spreadsheet, or a program that took it for a fraction, has rounded. */
const isRounded = `(substring(identity, -4, 2) IN ('E+', 'e+') AND match(identity, '^[0-9](?:[.,][0-9]+)?[Ee][+][0-9]{2}$'))`

/** A variant's key in quotes, in which every sign is seen. */
function quotedName(name: string): string {
  return withSeenSigns(visible(JSON.stringify(cut(name, 32))))
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
  // The rows are read once: those of each variant, and then of all of them.
  const answer = await client.query({
    query: `SELECT
        sum(of_variant) AS rows,
        sum(of_variant) - sum(usable) AS unusable,
        sum(odd_rows) AS odd,
        sum(word_rows) AS words,
        sum(number_rows) AS numbers,
        sum(rounded_rows) AS rounded,
        any(rounded_identity) AS rounded_example,
        intDiv(minIf(first_at, usable > 0), 1000000) AS first_ms,
        intDiv(maxIf(last_at, usable > 0), 1000000) AS last_ms,
        arraySlice(
          arraySort(each -> (-toInt64(each.1), each.2), groupArrayIf((usable, assumeNotNull(variant)), usable > 0)),
          1,
          1000
        ) AS found,
        arrayMap(each -> each.2, found) AS names,
        arrayMap(each -> each.1, found) AS events,
        arrayAll(name -> isValidUTF8(name), names) AS are_text
      FROM
      (
        SELECT
          variant,
          sum(events) AS of_variant,
          variant IS NULL ? 0 : sumIf(events, identity != '') AS usable,
          countIf(identity != lower(trimBoth(identity)) OR length(identity) != lengthUTF8(identity)) AS odd_rows,
          countIf(length(identity) < 10 AND lower(identity) IN {words:Array(String)}) AS word_rows,
          countIf(${isOddNumber}) AS number_rows,
          sumIf(events, ${isRounded}) AS rounded_rows,
          anyIf(identity, ${isRounded}) AS rounded_identity,
          minIf(toUnixTimestamp64Nano(exposed_at), identity != '') AS first_at,
          maxIf(toUnixTimestamp64Nano(last_exposed_at), identity != '') AS last_at
        FROM exposures
        GROUP BY variant
      )`,
    query_params: { words: nullWords.filter((word) => word !== '') },
    format: 'JSONEachRow',
  })
  type Total = 'rows' | 'unusable' | 'odd' | 'words' | 'numbers' | 'rounded' | 'first_ms' | 'last_ms'
  const [totals] = await answer.json<
    Record<Total, string | number> & {
      readonly names: readonly string[]
      readonly events: readonly (string | number)[]
      readonly are_text: number | boolean
      readonly rounded_example: string | null
    }
  >()
  const of = (name: Total): number => Number(totals?.[name] ?? 0)
  if (totals !== undefined && !totals.are_text) {
    throw new ReportError(
      'a variant has letters that are not UTF-8: say how the file is written, such as --encoding latin1',
    )
  }
  const rowsOf = new Map((totals?.names ?? []).map((name, index) => [name, Number(totals?.events[index])]))
  const notes: string[] = []
  const alike = (plain: (name: string) => string): readonly (readonly string[])[] => {
    const spellings = new Map<string, string[]>()
    for (const name of rowsOf.keys())
      spellings.set(plain(name), [...(spellings.get(plain(name)) ?? []), name])
    return [...spellings.values()].filter(({ length }) => length > 1).slice(0, 3)
  }
  const alikeNote = (names: readonly string[], what: string, remedies: readonly string[]): string => {
    return (
      `The variants ${names.map((name) => `${quotedName(name)} (${counted(rowsOf.get(name) ?? 0, 'event', 'events')})`).join(' and ')} ` +
      `${what}, and count apart; to join them, add ${remedies.join(', or ')}.`
    )
  }
  const renames = ([first = '', ...others]: readonly string[]): string =>
    others.map((name) => `--rename ${visible(JSON.stringify(`${name}=${first}`))}`).join(' ')
  for (const names of foldCase ? [] : alike(foldedText)) {
    // What nobody sees cannot be copied from here either.
    notes.push(
      names.every((name) => withSeenSigns(name) === name)
        ? alikeNote(names, 'differ only in case or spaces', ['--fold-case', renames(names)])
        : alikeNote(names, 'differ only in case, spaces or signs that are not seen', ['--fold-case']),
    )
  }
  for (const names of alike(plainNumber))
    notes.push(alikeNote(names, 'are the same number', [renames(names)]))
  const wordLike = [...rowsOf.keys()].filter((name) => nullWords.includes(name.trim().toLowerCase()))
  for (const name of wordLike) {
    notes.push(
      `The variant ${name.trim() === '' ? '(empty)' : quotedName(name)} counts like any other; if it stands for none, add --null ${name.trim() === '' ? "''" : JSON.stringify(name)}.`,
    )
  }
  if (of('words') > 0) notes.push(...(await wordNotes(client, nulls)))
  if (of('rounded') > 0)
    notes.push(
      `${counted(of('rounded'), 'event has an identity', 'events have identities')} such as ${JSON.stringify(oneLine(totals?.rounded_example ?? '', 40))}: a spreadsheet, or a program that takes them for fractions, has rounded these numbers, so several identities may count as one; export the file again with this column as text.`,
    )
  const share = of('rows') > fewRows ? 16 : 1
  if (!foldCase && of('odd') > 0) notes.push(...(await identityNotes(client, share)))
  if (of('numbers') > 0) notes.push(...(await numberNotes(client, share)))
  return {
    rows: of('rows'),
    unusable: of('unusable'),
    extent: rowsOf.size === 0 ? undefined : { firstMs: of('first_ms'), lastMs: of('last_ms') },
    variants: [...rowsOf.keys()],
    notes,
  }
}

async function wordNotes(client: ClickHouseClient, nulls: readonly string[]): Promise<readonly string[]> {
  const result = await client.query({
    query: `SELECT identity AS word, sum(events) AS rows
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

async function identityNotes(client: ClickHouseClient, share: number): Promise<readonly string[]> {
  const { alike, several } = await identitiesAlike(client, foldedSql('assumeNotNull(identity)'), share)
  return alike === 0
    ? []
    : [
        `${several} written in several ways that differ only in case or spaces, and count apart; to join them, add --fold-case.`,
      ]
}

async function numberNotes(client: ClickHouseClient, share: number): Promise<readonly string[]> {
  const identity = `assumeNotNull(identity)`
  const plain = `if(match(${identity}, '${withThousands}'), replaceRegexpAll(${identity}, '[,. ]', ''), ${identity})`
  const number = `replaceRegexpOne(${plain}, '^0*([0-9]+)(?:[.]0+)?$', '\\\\1')`
  const { alike, several, first, last } = await identitiesAlike(client, number, share)
  return alike === 0
    ? []
    : [
        `${several} written in several ways that are the same number, such as ${JSON.stringify(oneLine(first, 40))} and ${JSON.stringify(oneLine(last, 40))}, and count apart; if they are the same, write them alike in the file.`,
      ]
}

/** How many identities have several spellings that an expression makes one, about, if only a share of them is looked at. */
async function identitiesAlike(
  client: ClickHouseClient,
  plain: string,
  share: number,
): Promise<{
  readonly alike: number
  readonly several: string
  readonly first: string
  readonly last: string
}> {
  const result = await client.query({
    query: `SELECT count() AS alike, any(first_spelling) AS first, any(last_spelling) AS last
      FROM
      (
        SELECT sipHash64(${plain}) AS key, min(identity) AS first_spelling, max(identity) AS last_spelling
        FROM exposures
        WHERE identity != '' AND key % {share:UInt8} = 0
        GROUP BY key
        HAVING first_spelling != last_spelling
      )`,
    query_params: { share },
    format: 'JSONEachRow',
  })
  const [found] = await result.json<{ alike: string | number; first: string | null; last: string | null }>()
  const alike = Number(found?.alike ?? 0) * share
  return {
    alike,
    several: `${share > 1 ? 'About ' : ''}${count(alike)} ${alike === 1 ? 'identity is' : 'identities are'}`,
    first: found?.first ?? '',
    last: found?.last ?? '',
  }
}

/** A number without the zeros that a program puts before it, or after it when it takes it for a fraction. */
function plainNumber(text: string): string {
  return text.replace(/^0*([0-9]+)(?:[.]0+)?$/, '$1')
}
