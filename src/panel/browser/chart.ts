import { ticks } from 'd3-array'
import { line } from 'd3-shape'
import type { ExposuresView, ExposuresViewPoint } from '../../view/exposures-view.js'
import { countOf } from '../count-of.js'
import { svgElement } from './element.js'
import type { Shown } from './shown.js'
import { timeTicks } from './time-labels.js'

/** What the lines show: identities entered up to the end of a bucket, or in that bucket alone. */
export type ChartMode = 'cumulative' | 'increments'

/** A drawn chart, and how its buckets relate to pixels. */
export interface Chart {
  readonly svg: SVGSVGElement
  /** The bucket nearest to a distance from the chart's left edge, in CSS pixels. */
  readonly bucketAt: (x: number) => number
  /** Marks a bucket. */
  readonly mark: (index: number) => void
}

/** Draws the series of what is shown, in the given width in CSS pixels. */
export function drawChart(
  { drawn: view, series, openBucket, timeZone, words }: Shown,
  mode: ChartMode,
  width: number,
): Chart {
  const height = width < 560 ? 240 : 320
  const spans = view.points.map((point) => spanOf(point, view))
  const startMs = view.window?.startMs ?? spans[0]?.startMs ?? 0
  const endMs = view.window?.asOfMs ?? spans.at(-1)?.endMs ?? 1
  const valueOf = ({ runningTotals, newIdentities }: ExposuresViewPoint, key: string): number =>
    (mode === 'cumulative' ? runningTotals : newIdentities)[key] ?? 0
  const greatest = Math.max(
    1,
    ...series.map(({ variant: { key } }) =>
      view.points.reduce((most, point) => Math.max(most, valueOf(point, key)), 0),
    ),
  )

  const heights = heightsUpTo(greatest)
  const heightLabel = (tick: number): string =>
    greatest >= 1_000_000 ? words.compact(tick) : words.count(tick)
  const margin = {
    top: 12,
    right: 16,
    bottom: 28,
    left: 14 + 7.5 * Math.max(...heights.map((tick) => heightLabel(tick).length)),
  }
  const highest = heights.at(-1) ?? greatest
  const y = (value: number): number =>
    height - margin.bottom - (value / highest) * (height - margin.bottom - margin.top)
  const pixelsPerMs = (width - margin.right - margin.left) / Math.max(1, endMs - startMs)
  const x = (ms: number): number => margin.left + (ms - startMs) * pixelsPerMs

  const svg = svgElement('svg', {
    class: 'chart',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    'aria-hidden': 'true',
  })
  for (const tick of heights) {
    svg.append(
      svgElement('line', {
        class: 'grid',
        x1: margin.left,
        x2: width - margin.right,
        y1: y(tick),
        y2: y(tick),
      }),
      svgElement(
        'text',
        { class: 'tick', x: margin.left - 8, y: y(tick), dy: '0.32em', 'text-anchor': 'end' },
        heightLabel(tick),
      ),
    )
  }
  const marksOfTime = timeTicks(
    startMs,
    endMs,
    timeZone,
    Math.max(2, Math.floor((width - margin.left) / 84)),
    words,
  )
  for (const { atMs, label } of marksOfTime) {
    // A label that does not fit into the picture is left out; its mark stays.
    const half = label.length * 3.6
    const fits = x(atMs) - half > 0 && x(atMs) + half < width
    svg.append(
      svgElement('line', {
        class: 'axis',
        x1: x(atMs),
        x2: x(atMs),
        y1: height - margin.bottom,
        y2: height - margin.bottom + 5,
      }),
      svgElement(
        'text',
        { class: 'tick', x: x(atMs), y: height - 8, 'text-anchor': 'middle' },
        fits ? label : '',
      ),
    )
  }
  svg.append(
    svgElement('line', { class: 'axis', x1: margin.left, x2: width - margin.right, y1: y(0), y2: y(0) }),
  )
  const bar = (name: string, span: Span): SVGRectElement =>
    svgElement('rect', {
      class: name,
      x: x(span.startMs),
      width: Math.max(1, x(span.endMs) - x(span.startMs)),
      y: margin.top,
      height: height - margin.bottom - margin.top,
    })
  const last = view.points.length - 1
  const isOpen = view.points[last]?.start === openBucket
  if (isOpen) svg.append(hatching(), bar('open', spans[last] ?? whole))

  // A running total is reached at the end of the bucket. An increment belongs to the whole bucket, so it is drawn in its middle.
  const at = ({ startMs, endMs }: Span): number => (mode === 'cumulative' ? endMs : (startMs + endMs) / 2)
  const band = bar('band', spans[0] ?? whole)
  svg.append(band)
  const path = line<readonly [number, number]>()
    .x(([ms]) => x(ms))
    .y(([, value]) => y(value))
  // The control is a solid line and is drawn first. Where lines overlap, it shows through the gaps of the dashed
  // ones, and long dashes show through short ones.
  for (const { variant, pen } of series) {
    const values = view.points.map(
      (point, index) => [at(spans[index] ?? whole), valueOf(point, variant.key)] as const,
    )
    const [first] = view.points
    // Where the chart shows a part of the window, some may have entered before it.
    const before =
      first === undefined
        ? 0
        : countOf(first.runningTotals, variant.key) - countOf(first.newIdentities, variant.key)
    const from = mode === 'cumulative' ? ([[startMs, before]] as const) : []
    svg.append(svgElement('path', { class: `line pen-${pen}`, d: path([...from, ...values]) ?? '' }))
    values.forEach(([ms, value], index) => {
      // The last one always has a dot: hollow while it is open.
      if (index !== last && (mode === 'cumulative' || last > 44)) return
      const hollow = index === last && isOpen ? ' partial' : ''
      svg.append(svgElement('circle', { class: `dot pen-${pen}${hollow}`, cx: x(ms), cy: y(value), r: 3.5 }))
    })
  }
  // Rings, so that what they mark stays to be seen.
  const marks = series.map(({ pen }) => svgElement('circle', { class: `mark pen-${pen}`, r: 6.5 }))
  svg.append(...marks)

  return {
    svg,
    bucketAt: (px) => {
      const ms = startMs + (px - margin.left) / pixelsPerMs
      const after = spans.findIndex(({ endMs }) => endMs > ms)
      if (after === -1) return spans.length - 1
      const [before, next] = [spans[after - 1], spans[after]]
      // Between two buckets, the nearer one.
      return before !== undefined &&
        next !== undefined &&
        ms < next.startMs &&
        ms - before.endMs < next.startMs - ms
        ? after - 1
        : after
    },
    mark: (index) => {
      const [span, point] = [spans[index], view.points[index]]
      if (span === undefined || point === undefined) return
      band.setAttribute('x', String(x(span.startMs)))
      band.setAttribute('width', String(Math.max(1, x(span.endMs) - x(span.startMs))))
      series.forEach(({ variant }, which) => {
        marks[which]?.setAttribute('cx', String(x(at(span))))
        marks[which]?.setAttribute('cy', String(y(valueOf(point, variant.key))))
      })
    },
  }
}

function hatching(): SVGDefsElement {
  return svgElement(
    'defs',
    {},
    svgElement(
      'pattern',
      { id: 'hatching', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svgElement('line', { class: 'hatch', x1: 0, x2: 0, y1: 0, y2: 6 }),
    ),
  )
}

/** Whole numbers for the marks of the vertical axis, from 0 to at least the highest value. */
function heightsUpTo(greatest: number): readonly number[] {
  const whole = ticks(0, greatest, 4).filter((tick) => Number.isInteger(tick))
  const step = (whole[1] ?? 1) - (whole[0] ?? 0)
  const highest = whole.at(-1) ?? 0
  return highest < greatest ? [...whole, highest + step] : whole
}

interface Span {
  readonly startMs: number
  readonly endMs: number
}

const whole: Span = { startMs: 0, endMs: 0 }

/** The part of a bucket that the window covers. */
function spanOf({ start, end }: ExposuresViewPoint, { window }: ExposuresView): Span {
  return {
    startMs: Math.max(Date.parse(start), window?.startMs ?? -Infinity),
    endMs: Math.min(Date.parse(end), window?.asOfMs ?? Infinity),
  }
}
