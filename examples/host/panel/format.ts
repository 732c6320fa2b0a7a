const numbers = new Intl.NumberFormat('en-US')

/** `1,234,567`. */
export function count(value: number): string {
  return numbers.format(value)
}

/** `1 identity`, `2 identities`. */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** `12.34%`; `–` if the whole is 0. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(2)}%`
}

/** `2026-06-01 09:30:00` in a time zone; milliseconds only if they are not 0. */
export function localTime(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }).formatToParts(ms)
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((candidate) => candidate.type === type)?.value ?? ''
  const fraction = part('fractionalSecond')
  return (
    `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}` +
    (fraction === '000' ? '' : `.${fraction}`)
  )
}

/** `22 days`, `36 hours`: the length of a window, rounded to a suitable unit. */
export function duration(ms: number): string {
  const [size, unit] =
    (
      [
        [86_400_000, 'day'],
        [3_600_000, 'hour'],
        [60_000, 'minute'],
        [1000, 'second'],
      ] as const
    ).find(([size]) => ms >= 2 * size) ?? ([1, 'millisecond'] as const)
  const whole = Math.round(ms / size)
  return `${count(whole)} ${unit}${whole === 1 ? '' : 's'}`
}

/** A variant's key for people. No character in it can control a terminal, and an empty key is visible. */
export function variantLabel(key: string, maxLength = 32): string {
  if (key === '') return '(empty)'
  const visible = key.replace(
    // Control characters, and the invisible marks that change the direction of text.
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const characters = Array.from(new Intl.Segmenter().segment(visible), ({ segment }) => segment)
  return characters.length <= maxLength ? visible : `${characters.slice(0, maxLength - 1).join('')}…`
}
