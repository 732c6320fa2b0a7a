/** The columns of a date and of a time of day that `date+time` names; `undefined` if it is the name of one column. */
export function dateAndTime(
  written: string,
  columns: { has(name: string): boolean },
): readonly [date: string, time: string] | undefined {
  if (columns.has(written)) return undefined
  return [...written.matchAll(/\+/g)]
    .map(({ index }) => [written.slice(0, index), written.slice(index + 1)] as const)
    .find(([date, time]) => columns.has(date) && columns.has(time))
}

/**
 * The expression for a timestamp, from those for its date and its time of day. An hour alone is one, too, and so is a time
 * of the first of January 1970, as which the engine reads Parquet's times of day.
 */
export function joinedText(date: string, time: string): string {
  const trimmed = (text: string): string => `trimBoth(ifNull(${text}, ''))`
  const day = `replaceRegexpOne(${trimmed(date)}, '[T ]0?0:00(:00([.]0+)?)?$', '')`
  const alone = `replaceRegexpOne(${trimmed(time)}, '^1970-01-01[T ]', '')`
  const clock = `replaceRegexpOne(${alone}, '^([0-9]{1,2})$', '\\\\1:00')`
  return `trimBoth(concat(${day}, ' ', ${clock}))`
}

/** Whether a value is a time of day without a date. */
export function isTimeOfDay(value: string): boolean {
  return /^(1970-01-01[T ])?[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?( ?[AaPp][.]?[Mm][.]?)?$/.test(
    value.trim(),
  )
}

/** Whether a value is a date, without a time of day or with midnight. */
export function isDateAlone(value: string): boolean {
  return !/:/.test(value.trim().replace(/[T ]0?0:00(:00([.]0+)?)?$/, '')) && !/^[0-9]{9,}/.test(value.trim())
}
