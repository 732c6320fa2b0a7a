import { assertRows, cell, columnOf, decodeFlag, decodeNull, decodeText, malformedRow } from '../cell.js'

/** The names of the answer's columns, for the SELECT and for the decoder. */
export const exposedIdentityColumns: {
  readonly identity: 'identity'
  readonly variant: 'variant'
  readonly firstExposure: 'first_exposure'
  readonly quarantined: 'quarantined'
  readonly firstVariant: 'first_variant'
} = /* @__PURE__ */ Object.freeze({
  identity: 'identity',
  variant: 'variant',
  firstExposure: 'first_exposure',
  quarantined: 'quarantined',
  firstVariant: 'first_variant',
})

/** One identity that entered an experiment. Plain, frozen data. */
export interface ExposedIdentity {
  /** Its identifier: text, or a number if the source's column is an integer of at most 53 bits. */
  readonly identity: string | number
  /** The variant that the identity counts in. `null` if it is quarantined. */
  readonly variant: string | null
  /** The instant of its first exposure, ISO 8601 in UTC with nine digits: `2026-06-01T08:00:00.000000000Z`. */
  readonly firstExposure: string
  readonly quarantined: boolean
  /** The variant of its first exposure, even if it is quarantined. */
  readonly firstVariant: string
  /** The value of each dimension at the first exposure, by column name. */
  readonly dimensions: Readonly<Record<string, string | null>>
}

/**
 * Who are these rows? Checks and converts every row that `exposedIdentitiesQuery` returns.
 *
 * @param rows - the parsed rows of the answer, or of a block of it; columns other than the five are dimensions
 * @returns one frozen record for each row, in the same order
 * @throws {@link ExposureError} `malformed-rows`, naming the row and the column, for rows that the query cannot return
 *
 * @example
 * ```ts
 * import { decodeExposedIdentityRows } from 'first-exposure'
 *
 * const [ann] = decodeExposedIdentityRows([
 *   {
 *     identity: 'ann',
 *     variant: 'control',
 *     first_exposure: '2026-06-01 08:00:00.250000000',
 *     quarantined: 0,
 *     first_variant: 'control',
 *     sdk_language: 'js',
 *   },
 * ])
 * ann?.firstExposure // => '2026-06-01T08:00:00.250000000Z'
 * ann?.dimensions // => { sdk_language: 'js' }
 * ```
 */
export function decodeExposedIdentityRows(rows: readonly unknown[]): readonly ExposedIdentity[] {
  assertRows(rows)
  return Object.freeze(rows.map(decodeExposedIdentityRow))
}

// A number beyond these has lost digits, as those of a 64-bit column may: it could be anybody's.
const anIdentifier =
  'non-empty text, or a whole number up to 2^53 - 1. Of other numbers, take the text: trustedSql`toString(user_id)`'

function decodeExposedIdentityRow(row: unknown, index: number): ExposedIdentity {
  const columns = exposedIdentityColumns
  const quarantined = cell(row, index, columns.quarantined, decodeFlag, '0 or 1')
  const firstVariant = cell(row, index, columns.firstVariant, decodeText, 'the variant’s key')
  const variant = quarantined
    ? cell(row, index, columns.variant, decodeNull, 'NULL on a quarantined row')
    : cell(row, index, columns.variant, decodeText, 'the variant’s key')
  if (variant !== null && variant !== firstVariant) {
    throw malformedRow(index, columns.variant, variant, 'Expected the variant of the first exposure.')
  }
  return Object.freeze({
    identity: cell(row, index, columns.identity, decodeIdentity, anIdentifier),
    variant,
    firstExposure: cell(
      row,
      index,
      columns.firstExposure,
      decodeInstant,
      'YYYY-MM-DD hh:mm:ss.nnnnnnnnn in UTC',
    ),
    quarantined,
    firstVariant,
    dimensions: dimensionsOf(row, index),
  })
}

/** The usual form of an instant. The 29th of February is left to {@link decodeInstant}. */
const usualInstant =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}$/
const noDimensions: ExposedIdentity['dimensions'] = /* @__PURE__ */ Object.freeze({})

/**
 * A decoder of rows that are lists of cells. It accepts and refuses the rows that {@link decodeExposedIdentityRows} does.
 * A stream has millions of rows, so cells of the usual form are not looked up by name.
 *
 * @param names - the columns of the answer in their order: the five, then the dimensions
 */
export function exposedIdentityDecoder(
  names: readonly string[],
): (cells: readonly unknown[], index: number) => ExposedIdentity {
  const { length } = Object.keys(exposedIdentityColumns)
  const dimensions = names.slice(length)
  // Written as a field, this name would set the prototype.
  const areFields = !dimensions.includes('__proto__')
  return (cells, index) => {
    const [identity, variant, firstExposure, quarantined, firstVariant] = cells
    const decoded = decodeIdentity(identity)
    const isUsual =
      cells.length === names.length &&
      decoded !== undefined &&
      typeof firstVariant === 'string' &&
      typeof firstExposure === 'string' &&
      usualInstant.test(firstExposure) &&
      ((quarantined === 0 && variant === firstVariant) || (quarantined === 1 && variant === null))
    const atFirst: Record<string, string | null> = {}
    let areTexts = areFields
    for (let place = 0; place < dimensions.length && areTexts; place++) {
      const value = cells[length + place]
      areTexts = value === null || typeof value === 'string'
      if (areTexts) atFirst[dimensions[place] as string] = value as string | null
    }
    if (!isUsual || !areTexts) {
      return decodeExposedIdentityRow(
        Object.fromEntries(names.slice(0, cells.length).map((name, place) => [name, cells[place]])),
        index,
      )
    }
    return Object.freeze({
      identity: decoded,
      variant,
      firstExposure: `${firstExposure.slice(0, 10)}T${firstExposure.slice(11)}Z`,
      quarantined: quarantined === 1,
      firstVariant,
      dimensions: dimensions.length === 0 ? noDimensions : Object.freeze(atFirst),
    })
  }
}

function dimensionsOf(row: unknown, index: number): ExposedIdentity['dimensions'] {
  const own = new Set<string>(Object.values(exposedIdentityColumns))
  const names = Object.keys(row as object).filter((name) => !own.has(name))
  return Object.freeze(
    Object.fromEntries(
      names.map((name) => {
        const value = columnOf(row, index, name)
        if (value !== null && typeof value !== 'string') {
          throw malformedRow(index, name, value, 'Expected text or NULL.')
        }
        return [name, value]
      }),
    ),
  )
}

function decodeIdentity(value: unknown): string | number | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

/** A `DateTime64(9, 'UTC')`, in any format that a setting can produce. */
function decodeInstant(value: unknown): string | undefined {
  if (typeof value === 'string') {
    const [, date, time, fraction] =
      /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?$/.exec(value) ?? []
    if (date !== undefined && time !== undefined) {
      const iso = `${date}T${time}`
      const ms = Date.parse(`${iso}Z`)
      if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== iso) return undefined
      return `${iso}.${(fraction ?? '').padEnd(9, '0')}Z`
    }
  }
  // date_time_output_format: 'unix_timestamp' gives seconds with a fraction.
  const [, seconds, fraction] = /^(\d{1,10})\.(\d{9})$/.exec(String(value)) ?? []
  if (seconds === undefined || fraction === undefined) return undefined
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}
