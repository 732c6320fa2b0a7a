import type { ExposuresView, ExposuresViewVariant } from 'first-exposure/view'
import { countOf } from '../count-of.js'
import { variantLabel } from '../format.js'
import { element, svgElement } from './element.js'

/** How many variants the chart draws; nobody can tell more lines apart. */
const mostSeries = 8

/** A variant with a line in the chart. */
export interface Series {
  readonly variant: ExposuresViewVariant
  /** The pen that draws it: its own colour and dash. */
  readonly pen: number
}

/** The variants that the chart draws, in the view's order: all of them, or the largest if there are many. */
export function drawnSeries({ variants }: ExposuresView): readonly Series[] {
  const largest = new Set(variants.toSorted((a, b) => b.total - a.total).slice(0, mostSeries))
  // Only the control uses the first pen.
  let pen = 1
  return variants
    .filter((variant) => largest.has(variant) || variant.isControl)
    .slice(0, mostSeries)
    .map((variant) => ({ variant, pen: variant.isControl ? 0 : pen++ }))
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

/** A variant's name. Its text direction does not affect the text around it, and an empty key is visible. */
export function variantName(key: string): HTMLElement {
  return element('bdi', key === '' ? { class: 'variant empty' } : { class: 'variant' }, variantLabel(key, 40))
}
