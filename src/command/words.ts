import { panelWords, type PanelWords } from '../panel/panel-words.js'
import { cut } from '../panel/variant-label.js'

/** The words of the panel, in English. */
export const words: PanelWords = panelWords()

export const count: PanelWords['count'] = words.count
export const share: PanelWords['share'] = words.share
export const duration: PanelWords['duration'] = words.duration
export const probability: PanelWords['probability'] = words.probability

/** `1 identity`, `2 identities`. */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
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

/** A variant's key for people. No character in it can control a terminal, and an empty key is visible. */
export function variantLabel(key: string, maxLength = 32): string {
  return cut(words.name(key), maxLength)
}
