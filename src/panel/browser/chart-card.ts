import type { ExposuresViewPoint } from '../../view/exposures-view.js'
import type { PanelWords } from '../panel-words.js'
import { drawChart, type Chart, type ChartMode } from './chart.js'
import { dataTable, figure, markScrollable, withoutColumn } from './data-table.js'
import { element } from './element.js'
import { patchChildren } from './patch-children.js'
import { radioGroup } from './radio-group.js'
import { rowsOf, shortNames, swatch } from './series.js'
import type { Shown } from './shown.js'

/** The chart with what belongs to it, in an element that stays. */
export interface ChartCard {
  readonly root: HTMLElement
  readonly show: (shown: Shown) => void
  readonly dispose: () => void
}

/**
 * The chart with its switch, the values of one bucket, and the same numbers as a table. Its elements stay when new
 * numbers arrive, so the reader's place and the keyboard focus do not move.
 */
export function chartCard(heading: HTMLElement, words: PanelWords): ChartCard {
  const { say, count } = words
  let shown: Shown | undefined
  let mode: ChartMode = 'cumulative'
  let chart: Chart | undefined
  // The bucket that the reader looks at; null for the last one.
  let chosen: number | null = null

  const frame = element('div', {
    class: 'chart-frame',
    role: 'slider',
    tabindex: '0',
    'aria-label': say('bucketOfChart'),
    'aria-valuemin': '1',
  })
  const readout = element('div', { class: 'readout' })
  const table = element('div')
  const details = element(
    'details',
    { class: 'numbers' },
    element('summary', {}, say('numbersAsTable')),
    table,
  )
  const notes = element('div', { class: 'notes' })
  const modes = element('div')
  let modesOf: string | undefined
  const root = element(
    'section',
    { class: 'card' },
    element('div', { class: 'card-head' }, heading, modes),
    readout,
    frame,
    notes,
    details,
  )

  const lastIndex = (): number => (shown?.drawn.points.length ?? 1) - 1
  const choose = (index: number | null): void => {
    chosen = index === null ? null : Math.max(0, Math.min(lastIndex(), index))
    readOut()
  }
  const countsOf = ({
    runningTotals,
    newIdentities,
  }: ExposuresViewPoint): Readonly<Record<string, number>> =>
    mode === 'cumulative' ? runningTotals : newIdentities

  const readOut = (): void => {
    if (shown === undefined || chart === undefined) return
    const { drawn, series, buckets } = shown
    const index = chosen ?? lastIndex()
    const point = drawn.points[index]
    if (point === undefined) return
    chart.mark(index)
    const counts = countsOf(point)
    const title = mode === 'cumulative' ? buckets.total(point) : buckets.increment(point)
    const name = shortNames(
      series.map(({ variant }) => variant.key),
      words,
    )
    patchChildren(readout, [
      element('p', { class: 'bucket' }, title),
      element(
        'ul',
        {},
        ...series.map(({ variant, pen }) =>
          element(
            'li',
            {},
            swatch(pen),
            name(variant.key),
            element('span', { class: 'number' }, figure(count(counts[variant.key] ?? 0), words)),
          ),
        ),
      ),
    ])
    frame.setAttribute('aria-valuemax', String(drawn.points.length))
    frame.setAttribute('aria-valuenow', String(index + 1))
    const values = series.map(
      ({ variant }) => `${name(variant.key).textContent ?? ''} ${count(counts[variant.key] ?? 0)}`,
    )
    frame.setAttribute('aria-valuetext', `${title}: ${values.join(', ')}`)
  }

  const draw = (): void => {
    if (shown === undefined) return
    const { view, drawn, leftOut, series, openBucket } = shown
    // Before the layout there is no width; the observer below calls again when there is.
    const width = frame.clientWidth
    if (width > 0) {
      chart = drawChart(shown, mode, width)
      frame.replaceChildren(chart.svg)
    }
    const hourly = view.granularity === 'hour'
    heading.textContent = say(mode === 'cumulative' ? 'entered' : hourly ? 'newPerHour' : 'newPerDay')
    const left = view.variants.length - series.length
    patchChildren(
      notes,
      [
        ...(left === 0 ? [] : [say('notDrawn', { count: left })]),
        ...(leftOut === null ? [] : [leftOut]),
        ...(drawn.points.at(-1)?.start === openBucket ? [say('stillOpen')] : []),
      ].map((note) => element('p', { class: 'note' }, note)),
    )
    readOut()
    tabulate()
  }

  const chooseMode = (granularity: 'hour' | 'day'): void => {
    if (modesOf === granularity) return
    modesOf = granularity
    modes.replaceChildren(
      radioGroup(
        'chart-mode',
        say('show'),
        [
          { value: 'cumulative', label: say('cumulative') },
          { value: 'increments', label: say(granularity === 'hour' ? 'perHour' : 'perDay') },
        ],
        mode,
        (value) => {
          mode = value
          draw()
        },
      ),
    )
  }

  const tabulate = (): void => {
    if (shown === undefined || !details.open) return
    const { view, drawn, variants, buckets } = shown
    const { rows: columns, rest } = rowsOf(variants)
    const inChart = new Set(drawn.points)
    const hourly = view.granularity === 'hour'
    const name = shortNames(
      columns.map(({ key }) => key),
      words,
    )
    patchChildren(table, [
      dataTable(
        {
          caption: say(
            mode === 'cumulative'
              ? hourly
                ? 'runningTotalsByHour'
                : 'runningTotalsByDay'
              : hourly
                ? 'newByHour'
                : 'newByDay',
          ),
          heads: [say(hourly ? 'hour' : 'day'), ...columns.map(({ key }) => name(key))],
          rows: view.points
            // Outside the chart there are years without anybody.
            .filter(
              (point) => inChart.has(point) || variants.some(({ key }) => point.newIdentities[key] !== 0),
            )
            .map((point) => ({
              head: buckets.increment(point),
              cells: columns.map(({ key }) => count(countsOf(point)[key] ?? 0)),
            })),
        },
        words,
      ),
      ...withoutColumn(rest.length, words),
    ])
    markScrollable(table)
  }

  details.addEventListener('toggle', tabulate)
  frame.addEventListener('keydown', (event) => {
    const from = chosen ?? lastIndex()
    const to = {
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageDown: from - 7,
      PageUp: from + 7,
      Home: 0,
      End: lastIndex(),
    }[event.key]
    if (event.key === 'Escape') choose(null)
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    choose(to)
  })
  const point = (event: PointerEvent): void => {
    if (chart !== undefined) choose(chart.bucketAt(event.clientX - frame.getBoundingClientRect().left))
  }
  frame.addEventListener('pointermove', point)
  frame.addEventListener('pointerdown', point)
  frame.addEventListener('pointerleave', (event) => {
    // When a finger is lifted, its bucket stays selected.
    if (event.pointerType === 'mouse') choose(null)
  })
  let drawnWidth = 0
  const sizes = new ResizeObserver(() => {
    if (frame.clientWidth === drawnWidth) return
    drawnWidth = frame.clientWidth
    draw()
  })
  sizes.observe(frame)

  return {
    root,
    show: (next) => {
      // A selected bucket stays selected, even if more buckets come before it.
      const start = chosen === null ? undefined : shown?.drawn.points[chosen]?.start
      shown = next
      const index = next.drawn.points.findIndex((point) => point.start === start)
      chosen = index === -1 ? null : index
      chooseMode(next.view.granularity)
      drawnWidth = frame.clientWidth
      draw()
    },
    dispose: () => {
      sizes.disconnect()
    },
  }
}
