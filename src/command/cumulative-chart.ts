import asciichart from 'asciichart'
import type { ExposureWindow } from '../index.js'
import type { ExposuresView } from '../view/index.js'
import { count, localTime, variantLabel } from './words.js'

// Each series has its own kind of line, so that they differ even without colour.
const pens = [
  { symbols: ['┼', '┤', '╶', '╴', '─', '╰', '╭', '╮', '╯', '│'], colour: asciichart.blue },
  { symbols: ['┼', '┤', '╶', '╴', '═', '╚', '╔', '╗', '╝', '║'], colour: asciichart.yellow },
  { symbols: ['┼', '┤', '╶', '╴', '┄', '╰', '╭', '╮', '╯', '┆'], colour: asciichart.magenta },
  { symbols: ['┼', '┤', '╶', '╴', '━', '┗', '┏', '┓', '┛', '┃'], colour: asciichart.green },
  { symbols: ['┼', '┤', '╶', '╴', '·', '·', '·', '·', '·', '·'], colour: asciichart.cyan },
] as const

/**
 * The cumulative series by variant, as lines of text no wider than `width`.
 *
 * If several series pass through one cell, they take turns from column to column. Variants usually grow alike, and the
 * last one drawn would otherwise hide the others.
 */
export function cumulativeChart(
  view: ExposuresView,
  window: ExposureWindow,
  {
    width,
    colour,
    timeZone,
  }: { readonly width: number; readonly colour: boolean; readonly timeZone: string },
): string[] {
  const { variants } = view
  const largest = new Set([...variants].sort((a, b) => b.total - a.total).slice(0, pens.length))
  const drawn = variants.filter((variant) => largest.has(variant))
  const { step, rows } = axis(Math.max(0, ...drawn.map(({ total }) => total)))
  if (rows === 0) return []

  const labelWidth = count(step * rows).length
  const columns = Math.max(10, width - labelWidth - 2)
  const plots = drawn.map(({ key }, index) => {
    const growth = growthOf(view, window, key)
    const { symbols } = pens[index % pens.length] ?? pens[0]
    const series = Array.from({ length: columns + 1 }, (_, column) =>
      totalAt(growth, window.startMs + ((window.asOfMs - window.startMs) * column) / columns),
    )
    return asciichart
      .plot([series], {
        min: 0,
        max: step * rows,
        height: rows,
        offset: 2,
        symbols: [...symbols],
        format: (value) => `${count(Math.round(value)).padStart(labelWidth)} `,
      })
      .split('\n')
  })

  const paint = (text: string, index: number): string =>
    colour ? asciichart.colored(text, pens[index % pens.length]?.colour) : text
  const plotStart = labelWidth + 2
  const chart = (plots[0] ?? []).map((line, row) => {
    let text = line.slice(0, plotStart)
    for (let column = plotStart; column < plotStart + columns; column++) {
      const here = plots.flatMap((plot, index) => {
        const mark = plot[row]?.[column] ?? ' '
        return mark === ' ' ? [] : [{ mark, index }]
      })
      const turn = here[column % here.length]
      text += turn === undefined ? ' ' : paint(turn.mark, turn.index)
    }
    return text.trimEnd()
  })

  const legend = drawn.map(({ key }, index) => {
    const symbol = (pens[index % pens.length] ?? pens[0]).symbols[4]
    const label = variantLabel(key)
    return { text: `${paint(symbol.repeat(2), index)} ${label}`, length: label.length + 3 }
  })
  const left = variants.length - drawn.length
  if (left > 0)
    legend.push({ text: `(${count(left)} smaller variants are not drawn)`, length: 20 + String(left).length })
  return [
    ...chart,
    timeAxis(window, columns, plotStart, timeZone),
    '',
    ...wrapped(legend, width - plotStart).map((line) => ' '.repeat(plotStart) + line),
  ]
}

const tallest = 16

/** The smallest round step for which the axis fits the chart's height. */
function axis(max: number): { step: number; rows: number } {
  if (max <= tallest) return { step: 1, rows: max }
  for (let power = 1; ; power *= 10) {
    for (const round of [1, 2, 2.5, 5]) {
      const step = power * round
      if (Number.isInteger(step) && Math.ceil(max / step) <= tallest)
        return { step, rows: Math.ceil(max / step) }
    }
  }
}

interface Growth {
  readonly atMs: number
  readonly total: number
}

/** How one variant grew, from 0 at the window's start to its total at the end. */
function growthOf(view: ExposuresView, window: ExposureWindow, key: string): readonly Growth[] {
  const growth = [{ atMs: window.startMs, total: 0 }]
  let total = 0
  for (const { start, end, runningTotals } of view.points) {
    // A total grows during a bucket, and stays the same between buckets.
    growth.push({ atMs: Math.max(Date.parse(start), window.startMs), total })
    total = runningTotals[key] ?? 0
    growth.push({ atMs: Math.min(Date.parse(end), window.asOfMs), total })
  }
  growth.push({ atMs: window.asOfMs, total })
  return growth
}

function totalAt(growth: readonly Growth[], ms: number): number {
  const after = growth.findIndex(({ atMs }) => atMs >= ms)
  const next = growth[after]
  if (next === undefined) return growth.at(-1)?.total ?? 0
  const last = growth[after - 1]
  if (last === undefined || next.atMs === last.atMs) return next.total
  return last.total + ((next.total - last.total) * (ms - last.atMs)) / (next.atMs - last.atMs)
}

function timeAxis(window: ExposureWindow, columns: number, plotStart: number, timeZone: string): string {
  const spanMs = window.asOfMs - window.startMs
  const label = (ms: number): string => {
    const text = localTime(ms, timeZone)
    if (spanMs > 72 * 3_600_000) return text.slice(0, 10)
    return spanMs > 2 * 3_600_000 ? text.slice(5, 16) : text.slice(11, 19)
  }
  const width = label(window.startMs).length
  const labels = Math.max(1, Math.min(5, Math.floor((columns + 6) / (width + 6))))
  let line = ' '.repeat(plotStart - 1)
  for (let index = 0; index < labels; index++) {
    const fraction = labels === 1 ? 0 : index / (labels - 1)
    const at = plotStart - 1 + Math.round(fraction * (columns + 1 - width))
    // The instant of a label is above its first, middle or last letter.
    line = line.padEnd(at) + label(Math.min(window.startMs + fraction * spanMs, window.asOfMs - 1))
  }
  return line
}

function wrapped(items: readonly { text: string; length: number }[], width: number): string[] {
  const lines: { text: string; length: number }[] = []
  for (const item of items) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 3 + item.length > width) lines.push({ ...item })
    else {
      line.text += `   ${item.text}`
      line.length += 3 + item.length
    }
  }
  return lines.map(({ text }) => text)
}
