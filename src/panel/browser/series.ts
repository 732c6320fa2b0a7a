import type { ExposuresView, ExposuresViewVariant } from '../../view/exposures-view.js'
import { countOf } from '../count-of.js'
import type { PanelWords } from '../panel-words.js'
import { cut, shortened } from '../variant-label.js'
import { element, svgElement } from './element.js'

/** How many variants the chart draws; nobody can tell more lines apart. */
const mostSeries = 8

/** A variant with a line in the chart. */
export interface Series {
  readonly variant: ExposuresViewVariant
  /** The pen that draws it: its own colour and dash. 0 is the control's, 1 to 8 are for the others. */
  readonly pen: number
}

/** The variants as the panel lists them: the control, then the configured ones in their order, then 2 before 10. */
export function listedVariants(
  { variants }: ExposuresView,
  configured: readonly string[] | null,
  { compare }: PanelWords,
): readonly ExposuresViewVariant[] {
  const places = new Map((configured ?? []).map((key, place) => [key, place]))
  const placeOf = ({ key, isControl }: ExposuresViewVariant): number =>
    isControl ? -1 : (places.get(key) ?? Infinity)
  return variants.toSorted((a, b) => {
    const [one, other] = [placeOf(a), placeOf(b)]
    return one === other ? compare(a.key, b.key) : one - other
  })
}

/** The variants that the chart draws, in the given order: the control, and the largest of the others. */
export function drawnSeries(variants: readonly ExposuresViewVariant[]): readonly Series[] {
  const largest = new Set(
    variants
      .toSorted((a, b) => Number(b.isControl) - Number(a.isControl) || b.total - a.total)
      .slice(0, mostSeries),
  )
  let pen = 1
  return variants
    .filter((variant) => largest.has(variant))
    .map((variant) => ({ variant, pen: variant.isControl ? 0 : pen++ }))
}

/** How many variants have a row of their own. More are the sign of junk among the keys. */
const mostRows = 100

/** The variants that have a row of their own: the control, the configured ones and the largest. And the rest. */
export function rowsOf(variants: readonly ExposuresViewVariant[]): {
  readonly rows: readonly ExposuresViewVariant[]
  readonly rest: readonly ExposuresViewVariant[]
} {
  const first = new Set(
    variants
      .toSorted(
        (a, b) =>
          Number(b.isControl) - Number(a.isControl) ||
          Number(b.expected) - Number(a.expected) ||
          b.total - a.total,
      )
      .slice(0, mostRows),
  )
  return {
    rows: variants.filter((variant) => first.has(variant)),
    rest: variants.filter((variant) => !first.has(variant)),
  }
}

/** The keys that have a column in a table: the largest ones, in the given order. */
export function mostVariants(
  keys: readonly string[],
  sizes: Readonly<Record<string, number>>,
): readonly string[] {
  const largest = new Set(keys.toSorted((a, b) => countOf(sizes, b) - countOf(sizes, a)).slice(0, mostSeries))
  return keys.filter((key) => largest.has(key))
}

/** The short line that links a name to its line in the chart; blank for a variant without a line. */
export function swatch(pen: number | undefined): SVGSVGElement {
  return svgElement(
    'svg',
    { class: 'swatch', width: 28, height: 10, 'aria-hidden': 'true' },
    pen === undefined ? null : svgElement('line', { class: `line pen-${pen}`, x1: 1, x2: 27, y1: 5, y2: 5 }),
  )
}

/** How many characters of a name stand where many names do, and where one does. */
const shortLength = 28
const longLength = 160

/** The whole name of a variant, in a place of its own. A very long one can be opened. */
export function variantName(key: string, { name }: PanelWords): HTMLElement {
  return wholeText(name(key), key === '' ? 'variant empty' : 'variant')
}

/** Text of somebody else, whole: its direction does not affect the text around it, and a very long one can be opened. */
export function wholeText(text: string, className: string): HTMLElement {
  const short = cut(text, longLength)
  return short === text
    ? element('bdi', { class: className }, text)
    : element(
        'details',
        { class: 'whole' },
        element('summary', {}, element('bdi', { class: className }, short)),
        element('bdi', { class: className }, text),
      )
}

/**
 * Short names of some variants, all different, for the heads of columns and the legend: the beginning and the end. The
 * whole name is a tooltip, and stands in the table of the variants.
 */
export function shortNames(keys: readonly string[], { name }: PanelWords): (key: string) => HTMLElement {
  const names = keys.map((key) => name(key))
  const short = shortened(names, shortLength)
  const of = new Map(keys.map((key, place) => [key, short[place] ?? '']))
  return (key) => {
    const text = of.get(key) ?? name(key)
    const attributes = { class: key === '' ? 'variant empty' : 'variant' }
    return element('bdi', text === name(key) ? attributes : { ...attributes, title: name(key) }, text)
  }
}
