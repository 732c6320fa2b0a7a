import { withFields } from '../checks.js'
import { invalidPanel } from '../errors.js'
import { panelLabels, type PanelLabels } from './panel-labels.js'
import { visibleName } from './variant-label.js'

/** The language of a panel. */
export interface PanelLanguage {
  /** A BCP 47 tag such as `de` or `ar-EG`: how numbers, dates and plural forms are written. Default `en-US`. */
  readonly locale?: string
  /** Texts instead of those of {@link panelLabels}. */
  readonly labels?: Partial<PanelLabels>
}

/** How the panel writes: labels with their values, numbers, shares, times. All in one language. */
export interface PanelWords {
  readonly locale: string
  /** A label with its values. `count` chooses the plural form. */
  readonly say: (label: keyof PanelLabels, values?: Readonly<Record<string, string | number>>) => string
  /** `1,234,567`. */
  readonly count: (value: number) => string
  /** `1.2M` where the whole number would be too long. */
  readonly compact: (value: number) => string
  /** `1,234.5`: at most one digit after the point. */
  readonly tenths: (value: number) => string
  /** `+1,234.5`, `−3`, `0`. */
  readonly signed: (value: number) => string
  /** A number to so many significant digits. */
  readonly digits: (value: number, digits: number) => string
  /** `12.34%`; `<0.01%` for less, but never for nothing; `–` if the whole is 0. */
  readonly share: (part: number, whole: number) => string
  /**
   * The shares of the parts of a whole, and then those of some sums, each named by the places of its parts. As shown,
   * they add up: 33.34%, 33.33%, 33.33%.
   */
  readonly shares: (parts: readonly number[], ...sums: readonly (readonly number[])[]) => readonly string[]
  /** `0.87`; `2.5 × 10⁻¹⁰`. */
  readonly probability: (value: number) => string
  /** `Jan 24, 2017, 1:41 PM`. */
  readonly instant: (ms: number, timeZone: string) => string
  /** `22 days`, `36 hours`: a length of time, rounded to a suitable unit. */
  readonly duration: (ms: number) => string
  /** `3 minutes ago`. Clocks of two machines differ, so an instant in the future counts as now. */
  readonly ago: (ageMs: number) => string
  /** A formatter of instants with these parts, in a zone. */
  readonly dates: (options: Intl.DateTimeFormatOptions) => Intl.DateTimeFormat
  /** A variant's key inside a sentence: an empty key and odd spaces are visible, and no key turns the direction of the text. */
  readonly name: (key: string) => string
  /** Which of two keys comes first for people: 2 before 10. */
  readonly compare: (a: string, b: string) => number
  /** Whether numbers are written with the digits 0 to 9. */
  readonly latinDigits: boolean
}

const units = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** A unit, its milliseconds, and the length from which on it is used. */
const lengths = [
  ['day', 86_400_000, 2 * 86_400_000],
  ['hour', 3_600_000, 2 * 3_600_000],
  ['minute', 60_000, 2 * 60_000],
  ['second', 1000, 1000],
] as const

// Shares are counted in hundredths of a percent.
const wholeShare = 10_000

/** The words of a language. Throws `invalid-panel` for a locale that is none, and for an unknown or odd label. */
export function panelWords({ locale = 'en-US', labels = {} }: PanelLanguage = {}): PanelWords {
  const language = canonicalLocale(locale)
  const texts = checkedLabels(labels)
  const plurals = new Intl.PluralRules(language)
  const number = (options: Intl.NumberFormatOptions): ((value: number) => string) => {
    const format = new Intl.NumberFormat(language, options)
    return (value) => format.format(value)
  }
  const count = number({})
  const compact = number({ notation: 'compact', maximumFractionDigits: 1 })
  const tenths = number({ maximumFractionDigits: 1 })
  const signs = number({ maximumFractionDigits: 1, signDisplay: 'exceptZero' })
  const percent = number({ style: 'percent', minimumFractionDigits: 2, maximumFractionDigits: 2 })
  const relative = new Intl.RelativeTimeFormat(language)
  const collator = new Intl.Collator(language, { numeric: true })
  const formats = new Map<string, Intl.DateTimeFormat>()

  const say: PanelWords['say'] = (label, values = {}) => {
    const text = texts[label]
    const { count: counted = 0 } = values
    const form = typeof text === 'string' ? text : (text[plurals.select(Number(counted))] ?? text.other)
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      return value === undefined ? whole : typeof value === 'number' ? count(value) : value
    })
  }
  const dates: PanelWords['dates'] = (options) => {
    const key = JSON.stringify(options)
    const format = formats.get(key) ?? new Intl.DateTimeFormat(language, options)
    formats.set(key, format)
    return format
  }
  /** A share in hundredths of a percent, which is not shown as all or nothing unless it is. */
  const shown = (hundredths: number, part: number, whole: number): string => {
    if (hundredths === 0 && part > 0) return say('lessThan', { value: percent(1 / wholeShare) })
    if (hundredths === wholeShare && part < whole) {
      return say('moreThan', { value: percent((wholeShare - 1) / wholeShare) })
    }
    return percent(hundredths / wholeShare)
  }
  const digits = (value: number, most: number): string => number({ maximumSignificantDigits: most })(value)

  return {
    locale: language,
    say,
    count,
    compact,
    tenths,
    signed: (value) => signs(value).replace('-', '−'),
    digits,
    share: (part, whole) =>
      whole === 0 ? say('noFigure') : shown(Math.round((wholeShare * part) / whole), part, whole),
    shares: (parts, ...sums) => {
      const whole = sum(parts)
      if (whole === 0) return [...parts, ...sums].map(() => say('noFigure'))
      const hundredths = apportioned(parts, whole)
      const at = (of: readonly number[], places: readonly number[]): number =>
        sum(places.map((place) => of[place] ?? 0))
      return [...parts.map((_, place) => [place]), ...sums].map((places) =>
        shown(at(hundredths, places), at(parts, places), whole),
      )
    },
    probability: (value) => {
      if (value === 0) return say('below', { value: '10⁻³⁰⁰' })
      if (value >= 0.0001) return digits(value, 3)
      const [mantissa = '', power = ''] = value.toExponential(1).split('e')
      return `${number({ minimumFractionDigits: 1 })(Number(mantissa))} × 10${Array.from(power, (digit) => superscripts[digit] ?? digit).join('')}`
    },
    instant: (ms, timeZone) => dates({ dateStyle: 'medium', timeStyle: 'short', timeZone }).format(ms),
    duration: (ms) => {
      const [unit, size] = lengths.find(([, , from]) => ms >= from) ?? (['millisecond', 1] as const)
      return number({ style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 })(
        Math.round(ms / size),
      )
    },
    ago: (ageMs) => {
      const [unit, size] = units.find(([, size]) => ageMs >= size) ?? []
      return unit === undefined || size === undefined
        ? say('justNow')
        : relative.format(-Math.floor(ageMs / size), unit)
    },
    dates,
    name: (key) => (key === '' ? say('emptyKey') : visibleName(key)),
    compare: (a, b) => collator.compare(a, b) || (a < b ? -1 : Number(a > b)),
    latinDigits: new Intl.NumberFormat(language).resolvedOptions().numberingSystem === 'latn',
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}

/**
 * Parts as whole hundredths of a percent that sum to 100 %, by largest remainders: nothing is further than a hundredth
 * from its share.
 */
function apportioned(parts: readonly number[], whole: number): readonly number[] {
  const exact = parts.map((part) => (part / whole) * wholeShare)
  const floors = exact.map(Math.floor)
  let left = Math.round(wholeShare - sum(floors))
  const byRemainder = exact
    .map((value, place) => ({ place, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.place - b.place)
  for (const { place } of byRemainder) {
    if (left-- <= 0) break
    floors[place] = (floors[place] ?? 0) + 1
  }
  return floors
}

function canonicalLocale(locale: string): string {
  try {
    const [canonical] = Intl.getCanonicalLocales(locale)
    if (canonical !== undefined) return canonical
  } catch {
    // Refused below, like what is no text at all.
  }
  throw invalidPanel('locale', locale, "Pass a language tag such as 'en-US', 'de' or 'ar-EG'.")
}

function checkedLabels(labels: Partial<PanelLabels>): PanelLabels {
  withFields(labels, Object.keys(panelLabels), 'labels', invalidPanel)
  for (const [name, label] of Object.entries(labels) as [string, unknown][]) {
    const forms = typeof label === 'object' && label !== null ? Object.values(label) : [label]
    const isText = forms.every((form) => typeof form === 'string')
    if (!isText || (typeof label === 'object' && label !== null && !('other' in label))) {
      throw invalidPanel(
        `labels.${name}`,
        label,
        'Pass text, or an object with a text for each plural category of the language, and for other.',
      )
    }
  }
  return { ...panelLabels, ...labels }
}

const superscripts: Readonly<Record<string, string>> = {
  '-': '⁻',
  0: '⁰',
  1: '¹',
  2: '²',
  3: '³',
  4: '⁴',
  5: '⁵',
  6: '⁶',
  7: '⁷',
  8: '⁸',
  9: '⁹',
}
