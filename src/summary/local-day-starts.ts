const hourMs = 3_600_000

/**
 * The starts of the local days that hold these hours, one for each: an hour's bucket is its day's start plus whole
 * elapsed hours, so the day starts at the earliest of them that bears the same date.
 *
 * @param hourStarts - bucket starts of an hourly series, ascending, in epoch milliseconds
 * @param timeZone - the IANA zone of the series
 */
export function localDayStarts(hourStarts: readonly number[], timeZone: string): readonly number[] {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    era: 'short',
  })
  let date: string | undefined
  let dayStart = NaN
  return hourStarts.map((hourStart) => {
    const hourDate = format.format(hourStart)
    if (hourDate !== date) {
      date = hourDate
      dayStart = hourStart
      while (format.format(dayStart - hourMs) === date) dayStart -= hourMs
    }
    return dayStart
  })
}
