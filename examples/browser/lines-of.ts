import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import type { ExposuresView } from 'first-exposure/view'

/** The colours of the lines and of the marks in the table, by a variant's position in the view. */
export const colours: readonly string[] = ['#2563eb', '#15803d', '#c2410c', '#7e22ce', '#0e7490', '#a16207']

const [width, height] = [720, 240]

function svgElement<Tag extends 'svg' | 'path' | 'title'>(tag: Tag): SVGElementTagNameMap[Tag] {
  return document.createElementNS('http://www.w3.org/2000/svg', tag)
}

/** The running totals as an SVG element: a line per variant, from 0 at the start of the first bucket. */
export function linesOf({ points, variants }: ExposuresView): SVGSVGElement {
  const svg = svgElement('svg')
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.setAttribute('role', 'img')
  const title = svgElement('title')
  title.textContent = 'One line per variant; the table below shows their totals'
  svg.append(title)

  const highest = Math.max(1, ...variants.map(({ total }) => total))
  const x = scaleLinear([0, points.length], [4, width - 4])
  const y = scaleLinear([0, highest], [height - 4, 4])
  const drawn = line<number>(
    (_, index) => x(index),
    (total) => y(total),
  )
  for (const [index, { key }] of variants.entries()) {
    const path = svgElement('path')
    path.setAttribute('d', drawn([0, ...points.map(({ runningTotals }) => runningTotals[key] ?? 0)]) ?? '')
    path.setAttribute('stroke', colours[index % colours.length] ?? 'currentColor')
    svg.append(path)
  }
  return svg
}
