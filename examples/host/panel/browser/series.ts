import type { ExposuresView, ExposuresViewVariant } from 'first-exposure/view'
import { countOf } from '../count-of.js'
import { variantLabel } from '../format.js'
import { element, svgElement } from './element.js'

/** How many variants the chart draws; more lines than this nobody tells apart. */
const mostSeries = 8

/** A variant with a line in the chart. */
export interface Series {
  readonly variant: ExposuresViewVariant
  /** Which of the style's pens draws it: a colour and a dash of its own. */
  readonly pen: number
}

/** The variants that the chart draws, in the view's order: all, or the largest where there are many. */
export function drawnSeries({ variants }: ExposuresView): readonly Series[] {
  const largest = new Set(variants.toSorted((a, b) => b.total - a.total).slice(0, mostSeries))
  // The first pen is the control's alone.
  let pen = 1
  return variants
    .filter((variant) => largest.has(variant) || variant.isControl)
    .slice(0, mostSeries)
    .map((variant) => ({ variant, pen: variant.isControl ? 0 : pen++ }))
}

/** The keys that a table has columns for: the largest few, in the order given. */
export function mostVariants(
  keys: readonly string[],
  sizes: Readonly<Record<string, number>>,
): readonly string[] {
  const largest = new Set(keys.toSorted((a, b) => countOf(sizes, b) - countOf(sizes, a)).slice(0, mostSeries))
  return keys.filter((key) => largest.has(key))
}

/** The short stroke that says which line a name belongs to; blank for a variant that has none. */
export function swatch(pen: number | undefined): SVGSVGElement {
  return svgElement(
    'svg',
    { class: 'swatch', width: 28, height: 10, 'aria-hidden': 'true' },
    pen === undefined ? null : svgElement('line', { class: `line pen-${pen}`, x1: 1, x2: 27, y1: 5, y2: 5 }),
  )
}

/** A variant's name, whatever its key: it keeps its direction to itself, and an empty key can be seen. */
export function variantName(key: string): HTMLElement {
  return element('bdi', key === '' ? { class: 'variant empty' } : { class: 'variant' }, variantLabel(key, 40))
}
