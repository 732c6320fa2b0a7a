/** What a timestamp looks like. In `numbers` a day and a month stand before the year. */
export type TimestampKind = 'iso' | 'other-iso' | 'epoch' | 'numbers' | 'named'

/** How the timestamps of a column are read: every form that its values have. */
export type TimestampForm =
  | 'iso'
  | 'other-iso'
  | 'epoch'
  | 'day-first'
  | 'month-first'
  | 'day.month'
  | 'month.day'
  | 'named'
  | UnitOfTime
  | 'excel'
  | { readonly pattern: string; readonly joda: boolean }

type UnitOfTime = 's' | 'ms' | 'us' | 'ns'

// All patterns are in the part that JavaScript and the engine have in common. ClickHouse reads year 0 as this year,
// month 0 as January, day 0 as the first, and 25:00 as 01:00 of the next day; it refuses 31 June by itself.
const year = '[1-9][0-9]{3}'
const month = '(?:0?[1-9]|1[0-2])'
const day = '(?:0?[1-9]|[12][0-9]|3[01])'
const minutes = ':[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?'
const half = ' ?[AaPp][.]?[Mm][.]?'
const clock = `(?:(?:0?[1-9]|1[0-2])${minutes}${half}|(?:[01]?[0-9]|2[0-3])${minutes})`
const offset = '[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?'
// The names of zones that mean one thing: not CST, IST or BST, of which there are several.
const offsetOf = {
  WET: '+00:00',
  CET: '+01:00',
  WEST: '+01:00',
  CEST: '+02:00',
  EET: '+02:00',
  EEST: '+03:00',
  MSK: '+03:00',
  JST: '+09:00',
  AEST: '+10:00',
  AEDT: '+11:00',
  EDT: '-04:00',
  EST: '-05:00',
  MDT: '-06:00',
  MST: '-07:00',
  PDT: '-07:00',
  PST: '-08:00',
} as const
const zoneNames = `(?:${Object.keys(offsetOf).join('|')})`
// Java writes the region of a zone behind its offset. A lone ] is itself, in JavaScript and in the engine.
const region = '[[][A-Za-z0-9_+/-]+]'
// Browsers write GMT+2.
const shortOffset = '(?:UTC|GMT)[+-][0-9]'
const zonePattern = `(?: ?(?:Z|z|UTC|GMT|(?:UTC|GMT)?${offset}(?: UTC)?|${shortOffset}|${zoneNames})(?:${region})?)`
const time = `${clock}${zonePattern}?`
const monthName =
  '(?:[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Mm]ay|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Nn]ov|[Dd]ec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Za-z]*[.]?'
const weekday = '(?:[A-Za-z]{2,9},? )?'

const plainIso =
  `^${year}[-/]${month}[-/]${day}(?:[T ](?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?` +
  `(?: ?(?:Z|UTC|GMT|${offset}))?)?$`
const spacedIso = `^${year}[-/.]${month}[-/.]${day}(?:[T ]+${time})?$`
const compactDate = `${year}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])`
const compactIso = `^${compactDate}(?:[T ](?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9](?:[.,][0-9]+)?)?|(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9])?(?:Z|${offset})?$`
// A count of seconds since 1970 has ten digits from 2001 to 2286, and each thousandth three more.
const epoch = '^[0-9]+(?:[.,][0-9]*)?(?:[eE][+]?[0-9]+)?$'
const epochDigits = '^(?:[0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})(?:[.,][0-9]*)?$'
const numbers = `^[0-9]{1,2}([-/.])[0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})(?:(?:,|T| )+${time})?$`
const dayBeforeName = `^${weekday}(${day})[ /-](${monthName}),?[ /-](${year})(?:(?:,|T|:| at| )+(${time}))?(?: [(].*[)])?$`
const nameBeforeDay = `^${weekday}(${monthName}) +(${day})(?:st|nd|rd|th)?,? (${year})(?:(?:,|T| at| )+(${time}))?(?: [(].*[)])?$`
const nameBeforeTime = `^${weekday}(${monthName}) +(${day}) (${clock})(${zonePattern}?) (${year})$`

// Browsers write one of these before AM and PM, and nobody sees the difference.
const otherSpaces = ['\u00a0', '\u202f']

function plainSpaces(text: string): string {
  return otherSpaces.reduce((plain, space) => plain.replaceAll(space, ' '), text).trim()
}

/** What kind of timestamp a text is; `undefined` if it cannot be read. */
export function timestampKind(text: string): TimestampKind | undefined {
  const trimmed = plainSpaces(text)
  const is = (pattern: string): boolean => new RegExp(pattern).test(trimmed)
  if (is(plainIso)) return 'iso'
  if (is(spacedIso) || is(compactIso)) return 'other-iso'
  if (
    is(epochDigits) ||
    (is(epoch) && epochUnit(Number(trimmed.replace(',', '.'))) !== undefined && /[eE]/.test(trimmed))
  )
    return 'epoch'
  if (is(numbers)) return 'numbers'
  return is(dayBeforeName) || is(nameBeforeDay) || is(nameBeforeTime) ? 'named' : undefined
}

/** Whether a timestamp says its own zone, or needs none. */
export function hasZone(text: string): boolean {
  const trimmed = plainSpaces(text)
  return (
    timestampKind(trimmed) === 'epoch' ||
    new RegExp(
      `(?:[0-9]:[0-5][0-9]|^[0-9]{8}[T ]?[0-9]{4}).*(?:Z|z|UTC|GMT|${offset}|${shortOffset}|${zoneNames})(?: UTC)?(?:${region})?(?: [(].*[)]| ${year})?$`,
    ).test(trimmed)
  )
}

/** Whether a form is a count since 1970 in one unit, which needs no zone. */
export function isUnitOfTime(form: TimestampForm): form is UnitOfTime {
  return form === 's' || form === 'ms' || form === 'us' || form === 'ns'
}

/** The zone that a timestamp names, and the offset that it is read as; `undefined` if it names no zone. */
export function namedZone(text: string): { readonly name: string; readonly offset: string } | undefined {
  const name = new RegExp(` (${zoneNames})(?:${region})?(?: ${year})?$`).exec(plainSpaces(text))?.[1]
  return name === undefined ? undefined : { name, offset: offsetOf[name as keyof typeof offsetOf] }
}

/**
 * What to say of a time whose zone is written as a name of several zones, such as BST: the name, and the pattern of such
 * times. `undefined` for anything else.
 */
export function ambiguousZone(text: string): { readonly name: string; readonly pattern: string } | undefined {
  const [, time = '', name] = /^(.*[0-9](?: ?[AaPp][Mm])?) ([A-Z]{2,5})$/.exec(plainSpaces(text)) ?? []
  if (name === undefined || timestampKind(text) !== undefined || !/[0-9]:[0-9]/.test(time)) return undefined
  if (timestampKind(time) === undefined) return undefined
  const [, separator, seconds] =
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ])[0-9]{2}:[0-9]{2}(:[0-9]{2})?$/.exec(time) ?? []
  return {
    name,
    pattern:
      separator === undefined
        ? `%d.%m.%Y %H:%M ${name}`
        : `%Y-%m-%d${separator}%H:%M${seconds === undefined ? '' : ':%S'} ${name}`,
  }
}

/** The unit of a count since 1970, by how large it is. */
function epochUnit(value: number): UnitOfTime | undefined {
  if (value >= 1e9 && value < 1e10) return 's'
  if (value >= 1e12 && value < 1e13) return 'ms'
  if (value >= 1e15 && value < 1e16) return 'us'
  return value >= 1e18 && value < 9.2e18 ? 'ns' : undefined
}

/**
 * What a user says of the form of timestamps: a name (`day-first`, `month-first`, `s`, `ms`, `us`, `ns`, `excel`), or a
 * pattern such as `%d.%m.%Y %H:%M` or `DD.MM.YYYY HH:mm`. `undefined` if it is neither.
 */
export function givenForm(text: string): readonly TimestampForm[] | undefined {
  const named: Readonly<Record<string, readonly TimestampForm[]>> = {
    iso: ['iso', 'other-iso'],
    'day-first': ['day-first', 'day.month'],
    'month-first': ['month-first', 'month.day'],
    s: ['s'],
    ms: ['ms'],
    us: ['us'],
    ns: ['ns'],
    excel: ['excel'],
  }
  if (Object.hasOwn(named, text)) return named[text]
  // As in Python and strftime, where the engine has names of MySQL.
  if (/%[A-Za-z]/.test(text)) {
    return [
      { pattern: text.replaceAll('%M', '%i').replaceAll('%B', '%M').replaceAll('%S', '%s'), joda: false },
    ]
  }
  if (!/[Yy]{2}/.test(text) || !/[Dd]/.test(text) || !/M/.test(text)) return undefined
  return [{ pattern: text.replaceAll('Y', 'y').replaceAll('D', 'd').replace(/\bA\b/g, 'a'), joda: true }]
}

/**
 * Expressions about a text of the engine, `text`, which stands in them several times: its instant (NULL if it has none
 * of these forms), and whether it is a date without a time of day. A form is a constant of ours; a pattern of the user
 * goes as the parameter `timestamp_pattern`.
 *
 * @param zone - the expression for the zone of times that say none
 */
export function timestampSql(
  text: string,
  forms: Iterable<TimestampForm>,
  zone = '{time_zone:String}',
): { readonly instant: string; readonly isDate: string } {
  const readings = [...forms].map((form) => reading(form, text, zone))
  const all = readings.map(({ instant }) => instant)
  return {
    instant:
      all.length === 0
        ? `CAST(NULL AS Nullable(DateTime64(9, 'UTC')))`
        : all.length === 1
          ? (all[0] ?? '')
          : `coalesce(${all.join(', ')})`,
    isDate: readings.length === 0 ? 'false' : `(${readings.map(({ isDate }) => isDate).join(' OR ')})`,
  }
}

interface Reading {
  readonly instant: string
  readonly isDate: string
}

function reading(form: TimestampForm, text: string, zone: string): Reading {
  if (typeof form === 'object') {
    const parse = form.joda ? 'parseDateTime64InJodaSyntaxOrNull' : 'parseDateTime64OrNull'
    const isDate = !/%[HIklrTRcisfp]|[HhKkmsSa]/.test(
      form.joda ? form.pattern.replaceAll(/'[^']*'/g, '') : form.pattern.replaceAll(/%[^HIklrTRcisfp]/g, ''),
    )
    return {
      instant: `toDateTime64(${parse}(${text}, {timestamp_pattern:String}, ${zone}), 9, 'UTC')`,
      isDate: isDate ? 'true' : 'false',
    }
  }
  if (form === 'iso') {
    return {
      instant: `if(match(${text}, '${plainIso}'), parseDateTime64BestEffortOrNull(${text}, 9, ${zone}), NULL)`,
      isDate: `match(${text}, '^${year}[-/]${month}[-/]${day}(?:[T ]0?0:00(?::00(?:[.]0+)?)?)?$')`,
    }
  }
  if (form === 'epoch' || isUnitOfTime(form)) {
    const value = `toDecimal128OrNull(if(match(${text}, '${epoch}'), replaceOne(${text}, ',', '.'), ''), 9)`
    const units: readonly [UnitOfTime, string, string, string][] = [
      ['s', '1000000000', '10000000000', '1000000000'],
      ['ms', '1000000000000', '10000000000000', '1000000'],
      ['us', '1000000000000000', '10000000000000000', '1000'],
      ['ns', '1000000000000000000', '9200000000000000000', '1'],
    ]
    const nanos =
      form === 'epoch'
        ? `multiIf(${units.map(([, from, to, factor]) => `${value} >= ${from} AND ${value} < ${to}, ${value} * ${factor}`).join(', ')}, NULL)`
        : `${value} * ${units.find(([unit]) => unit === form)?.[3] ?? '1'}`
    return {
      instant: `fromUnixTimestamp64Nano(toInt64OrNull(toString(truncate(${nanos}))), 'UTC')`,
      isDate: 'false',
    }
  }
  if (form === 'excel') {
    const serial = `toFloat64OrNull(if(match(${text}, '^[0-9]{5}([.,][0-9]+)?$'), replaceOne(${text}, ',', '.'), ''))`
    const naive = `toString(fromUnixTimestamp64Milli(toInt64(round((${serial} - 25569) * 86400000)), 'UTC'))`
    return {
      instant: `parseDateTime64BestEffortOrNull(${naive}, 9, ${zone})`,
      isDate: `match(${text}, '^[0-9]{5}([.,]0*)?$')`,
    }
  }
  const iso = isoText(
    form,
    otherSpaces.reduce((plain, space) => `replaceAll(${plain}, '${space}', ' ')`, text),
  )
  return {
    instant: `if(match(${iso}, '${spacedIso}'), parseDateTime64BestEffortOrNull(${bestEffortText(iso)}, 9, ${zone}), NULL)`,
    isDate: `match(${iso}, '^${year}[-/.]${month}[-/.]${day}(?:[T ]+(?:0?0:00(?::00(?:[.]0+)?)?|12:00(?::00)? ?[Aa][Mm]))?$')`,
  }
}

/** Another form as ISO, or as a text that is not ISO if the value does not have this form. */
function isoText(
  form: 'other-iso' | 'named' | `${'day' | 'month'}-first` | 'day.month' | 'month.day',
  text: string,
): string {
  if (form === 'named') return namedIso(text)
  const zoned = withOffset(text)
  if (form === 'other-iso') {
    return [
      [
        '^([0-9]{4})([0-9]{2})([0-9]{2})[T ]?([0-9]{2})([0-9]{2})([0-9]{2})(.*)$',
        '\\1-\\2-\\3 \\4:\\5:\\6\\7',
      ],
      ['^([0-9]{4})([0-9]{2})([0-9]{2})[T ]([0-9]{2})([0-9]{2})(.*)$', '\\1-\\2-\\3 \\4:\\5\\6'],
      ['^([0-9]{4})([0-9]{2})([0-9]{2})$', '\\1-\\2-\\3'],
    ].reduce((iso, [pattern = '', by = '']) => replaced(iso, pattern, by), zoned)
  }
  const separator = form.includes('.') ? '[.]' : '[-/]'
  const order = form.startsWith('day') ? '\\3-\\2-\\1' : '\\3-\\1-\\2'
  const turned = replaced(
    zoned,
    `^([0-9]{1,2})${separator}([0-9]{1,2})${separator}([0-9]{4}|[0-9]{2})(?:(?:,|T| )+(.*))?$`,
    `${order} \\4`,
  )
  return `trimRight(${replaced(turned, '^([0-9]{2}-)', '20\\1')})`
}

/** A date with the name of its month as ISO. */
function namedIso(text: string): string {
  const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
  const parts = (pattern: string): string => `extractGroups(${text}, '${pattern.replaceAll('\\', '\\\\')}')`
  const number = (name: string): string =>
    `toString(indexOf([${months.map((each) => `'${each}'`).join(', ')}], lower(substring(${name}, 1, 3))))`
  const iso = (
    pattern: string,
    [d, m, y, ...times]: readonly [number, number, number, ...number[]],
  ): string => {
    const time = times.map((t) => `${parts(pattern)}[${t}]`)
    return `concat(${parts(pattern)}[${y}], '-', ${number(`${parts(pattern)}[${m}]`)}, '-', ${parts(pattern)}[${d}], ' ', ${withOffset(time.length === 1 ? (time[0] ?? '') : `concat(${time.join(', ')})`)})`
  }
  return `trimRight(multiIf(match(${text}, '${dayBeforeName}'), ${iso(dayBeforeName, [1, 2, 3, 4])}, match(${text}, '${nameBeforeDay}'), ${iso(nameBeforeDay, [2, 1, 3, 4])}, match(${text}, '${nameBeforeTime}'), ${iso(nameBeforeTime, [2, 1, 5, 3, 4])}, ''))`
}

/** A time with the offset of its zone instead of the zone's name. */
function withOffset(text: string): string {
  const plain = `replaceRegexpOne(${text}, '${region}$', '')`
  const list = (values: readonly string[]): string => `[${values.map((value) => `'${value}'`).join(', ')}]`
  return (
    `concat(replaceRegexpOne(${plain}, ' ?${zoneNames}$', ''), ` +
    `transform(extract(${plain}, '${zoneNames}$'), ${list(Object.keys(offsetOf))}, ${list(Object.values(offsetOf))}, ''))`
  )
}

/** ISO as the engine's reading takes it: no comma before a fraction, no dots in a date or in a.m., no zone said twice. */
function bestEffortText(iso: string): string {
  const steps: readonly (readonly [string, string])[] = [
    ['([AaPp])[.]?[Mm][.]?', '\\1M'],
    ['^([0-9]{4})[.]([0-9]{1,2})[.]([0-9]{1,2})', '\\1-\\2-\\3'],
    [',', '.'],
    ['(?:UTC|GMT)([+-])([0-9])$', '\\10\\2'],
    ['(?:UTC|GMT)?([+-][0-9]{2}:?[0-9]{0,2})(?: UTC)?$', '\\1'],
    ['z$', 'Z'],
  ]
  return steps.reduce((text, [pattern, by]) => replaced(text, pattern, by), iso)
}

function replaced(text: string, pattern: string, by: string): string {
  const literal = (part: string): string => `'${part.replaceAll('\\', '\\\\')}'`
  return `replaceRegexpOne(${text}, ${literal(pattern)}, ${literal(by)})`
}
