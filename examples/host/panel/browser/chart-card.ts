import type { ExposuresView } from 'first-exposure/view'
import { count } from '../format.js'
import { drawChart, type Chart, type ChartMode } from './chart.js'
import { dataTable } from './data-table.js'
import { element } from './element.js'
import { radioGroup } from './radio-group.js'
import { swatch, variantName, type Series } from './series.js'
import { bucketLabel } from './time-labels.js'

/** What the chart shows now. */
export interface ChartContent {
  readonly view: ExposuresView
  readonly series: readonly Series[]
  readonly timeZone: string
}

/**
 * The chart with its switch, the values of one bucket, and the same numbers as a table. Its elements stay when new
 * numbers arrive, so the reader's place and the keyboard focus do not move.
 */
export function chartCard(): { readonly root: HTMLElement; readonly show: (content: ChartContent) => void } {
  let content: ChartContent | undefined
  let mode: ChartMode = 'cumulative'
  let chart: Chart | undefined
  // The bucket that the reader looks at; null for the last one.
  let chosen: number | null = null

  const frame = element('div', {
    class: 'chart-frame',
    role: 'slider',
    tabindex: '0',
    'aria-label': 'Bucket of the chart; use the arrow keys to move',
    'aria-valuemin': '1',
  })
  const readout = element('div', { class: 'readout' })
  const table = element('div')
  const details = element(
    'details',
    { class: 'numbers' },
    element('summary', {}, 'The numbers as a table'),
    table,
  )
  const heading = element('h2', {}, 'Identities entered')
  const undrawn = element('p', { class: 'note' })
  const modes = radioGroup(
    'chart-mode',
    'Show',
    [
      { value: 'cumulative', label: 'Cumulative' },
      { value: 'increments', label: 'New per bucket' },
    ],
    mode,
    (value) => {
      mode = value
      draw()
    },
  )
  const root = element(
    'section',
    { class: 'card' },
    element('div', { class: 'card-head' }, heading, modes),
    readout,
    frame,
    undrawn,
    details,
  )

  const lastIndex = (): number => (content?.view.points.length ?? 1) - 1
  const choose = (index: number | null): void => {
    chosen = index === null ? null : Math.max(0, Math.min(lastIndex(), index))
    readOut()
  }

  const readOut = (): void => {
    if (content === undefined || chart === undefined) return
    const { view, series, timeZone } = content
    const index = chosen ?? lastIndex()
    const point = view.points[index]
    if (point === undefined) return
    chart.mark(index)
    const counts = mode === 'cumulative' ? point.runningTotals : point.newIdentities
    const label = bucketLabel(point, timeZone)
    const title = mode === 'cumulative' ? `Up to the end of ${label}` : label
    readout.replaceChildren(
      element('p', { class: 'bucket' }, title),
      element(
        'ul',
        {},
        ...series.map(({ variant, pen }) =>
          element(
            'li',
            {},
            swatch(pen),
            variantName(variant.key),
            element('span', { class: 'number' }, count(counts[variant.key] ?? 0)),
          ),
        ),
      ),
    )
    frame.setAttribute('aria-valuemax', String(view.points.length))
    frame.setAttribute('aria-valuenow', String(index + 1))
    const values = series.map(
      ({ variant }) => `${variantName(variant.key).textContent ?? ''} ${count(counts[variant.key] ?? 0)}`,
    )
    frame.setAttribute('aria-valuetext', `${title}: ${values.join(', ')}`)
  }

  const draw = (): void => {
    if (content === undefined) return
    const { view, series, timeZone } = content
    // Before the layout there is no width; the observer below calls again when there is.
    const width = frame.clientWidth
    if (width > 0) {
      chart = drawChart(view, series, mode, timeZone, width)
      frame.replaceChildren(chart.svg)
    }
    heading.textContent =
      mode === 'cumulative' ? 'Identities entered' : `New identities per ${view.granularity}`
    const left = view.variants.length - series.length
    undrawn.textContent =
      left === 0 ? '' : `${count(left)} smaller variants are not drawn. The tables show all of them.`
    undrawn.hidden = left === 0
    readOut()
    tabulate()
  }

  const tabulate = (): void => {
    if (content === undefined || !details.open) return
    const { view, timeZone } = content
    const caption =
      mode === 'cumulative'
        ? `Identities entered up to the end of each ${view.granularity}, by variant`
        : `New identities in each ${view.granularity}, by variant`
    table.replaceChildren(
      dataTable(
        caption,
        [view.granularity === 'day' ? 'Day' : 'Hour', ...view.variants.map(({ key }) => variantName(key))],
        view.points.map((point) => {
          const counts = mode === 'cumulative' ? point.runningTotals : point.newIdentities
          return {
            head: bucketLabel(point, timeZone),
            cells: view.variants.map(({ key }) => count(counts[key] ?? 0)),
          }
        }),
      ),
    )
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
  new ResizeObserver(() => {
    if (frame.clientWidth === drawnWidth) return
    drawnWidth = frame.clientWidth
    draw()
  }).observe(frame)

  return {
    root,
    show: (next) => {
      // A selected bucket stays selected, even if more buckets come before it.
      const start = chosen === null ? undefined : content?.view.points[chosen]?.start
      content = next
      const index = next.view.points.findIndex((point) => point.start === start)
      chosen = index === -1 ? null : index
      draw()
    },
  }
}
