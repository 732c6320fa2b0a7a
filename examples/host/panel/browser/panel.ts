import { exposuresView, type ExposuresView } from 'first-exposure/view'
import { duration } from '../format.js'
import type { PanelData, PanelService } from '../panel-data.js'
import { splitVerdict } from '../split-verdict.js'
import { chartCard } from './chart-card.js'
import { crossoversCard } from './crossovers-card.js'
import { element } from './element.js'
import { figures } from './figures.js'
import { ledgerCard } from './ledger-card.js'
import { radioGroup } from './radio-group.js'
import { refreshControl } from './refresh-control.js'
import { drawnSeries } from './series.js'
import { slicesCard } from './slices-card.js'
import { splitCard } from './split-card.js'
import { ageWords, shownSuccess, statusWords } from './status-words.js'
import { instantLabel, zoneChoices, zoneName } from './time-labels.js'
import { variantsCard } from './variants-card.js'

/** Builds the panel inside an element, and keeps it up to date if there is a service to ask. */
export function mountPanel(
  root: HTMLElement,
  initial: PanelData,
  service: PanelService | null,
  licences: () => string,
): void {
  let data = initial
  // How far the service's clock is ahead of this one; 0 for a page without a service.
  let aheadMs = 0
  // The time zone that the reader chose; undefined for the experiment's.
  let timeZone: string | undefined
  let zonesOf: string | undefined
  let trouble: string | null = null
  let announced: string | undefined

  const title = element('h1')
  const badge = element('span')
  const origin = element('p', { class: 'note' })
  const zones = element('div', { class: 'zones' })
  const banner = element('div', { class: 'banner' })
  const troubleBanner = element('div', { class: 'banner warning' })
  // For screen readers when the state changes; the page shows the same text.
  const announcement = element('p', { class: 'unseen', role: 'status' })
  const tiles = element('dl', { class: 'figures' })
  const age = element('span')
  const chart = chartCard()
  const nobody = element('section', { class: 'card nobody' })
  const variants = element('section', { class: 'card' })
  const split = element('section', { class: 'card' })
  const columns = element('div', { class: 'columns' }, variants, split)
  const ledger = element('section', { class: 'card' })
  const crossovers = element('section', { class: 'card' })
  const slices = element('section', { class: 'card' })
  const counting = element('p')
  const control =
    service === null
      ? undefined
      : refreshControl(
          service,
          (answer) => {
            const before = data
            data = answer
            try {
              render()
            } catch (error) {
              // If an answer cannot be shown, no part of it may stay on the page.
              data = before
              render()
              throw error
            }
            aheadMs = answer.nowMs - Date.now()
            tick()
            control?.show(answer)
          },
          (sentence) => {
            trouble = sentence
            render()
          },
        )
  if (control !== undefined) aheadMs = initial.nowMs - Date.now()

  root.replaceChildren(
    element(
      'header',
      {},
      element('div', { class: 'title' }, title, badge),
      control?.root ?? null,
      element('div', { class: 'about' }, origin, zones),
    ),
    announcement,
    troubleBanner,
    banner,
    tiles,
    nobody,
    chart.root,
    columns,
    ledger,
    crossovers,
    slices,
    element('footer', {}, counting, licencesDetails(licences)),
  )

  const render = (): void => {
    const success = shownSuccess(data)
    const experimentZone = success?.summary.timeseries.timeZone ?? 'UTC'
    chooseZones(experimentZone)
    const zone = timeZone ?? experimentZone

    document.title = `${oneLine(data.title)} – first exposures`
    title.textContent = oneLine(data.title)
    const status = statusWords(data, zone, service !== null)
    badge.className = `badge status ${status.tone}`
    badge.textContent = status.badge
    banner.className = `banner ${status.tone}`
    banner.replaceChildren(...status.sentences.map((sentence) => element('p', {}, sentence)))
    banner.hidden = status.sentences.length === 0
    troubleBanner.replaceChildren(element('p', {}, trouble ?? ''))
    troubleBanner.hidden = trouble === null
    announce([trouble, `${status.badge}.`, ...status.sentences].filter((words) => words !== null).join(' '))

    const view = success === null ? null : viewOf(data)
    const verdict = view === null ? null : splitVerdict(view, data.expectedShares)
    const series = view === null ? [] : drawnSeries(view)
    origin.textContent = aboutLine(data, view, zone)
    tiles.replaceChildren(
      ...figures(
        view,
        verdict,
        success === null
          ? null
          : { label: instantLabel(success.asOf, zone), iso: new Date(success.asOf).toISOString(), age },
        data.multiVariant !== 'first-seen',
      ),
    )
    tick()

    const isEmpty = view === null || view.total === 0
    nobody.hidden = !isEmpty
    nobody.replaceChildren(
      element(
        'p',
        {},
        view === null
          ? 'There is no count yet.'
          : 'Nobody has entered so far. No identity was counted in this window.',
      ),
    )
    chart.root.hidden = isEmpty
    columns.hidden = view === null
    if (view !== null && verdict !== null) {
      variants.replaceChildren(...variantsCard(view, series, verdict))
      split.replaceChildren(...splitCard(view, verdict, zone))
      if (!isEmpty) chart.show({ view, series, timeZone: zone })
    }
    const given: Pick<PanelData, 'ledger' | 'crossovers' | 'breakdown'> = view === null ? {} : data
    ledger.hidden = given.ledger === undefined
    crossovers.hidden = given.crossovers === undefined
    slices.hidden = given.breakdown === undefined
    if (view !== null && verdict !== null) {
      const multiVariant = data.multiVariant ?? 'quarantine'
      if (data.ledger !== undefined) ledger.replaceChildren(...ledgerCard(data.ledger, view))
      if (data.crossovers !== undefined) {
        crossovers.replaceChildren(
          ...crossoversCard(data.crossovers, view, multiVariant, zone, data.expectedShares),
        )
      }
      if (data.breakdown !== undefined) {
        slices.replaceChildren(...slicesCard(data.breakdown, view, verdict))
      }
    }
    counting.textContent =
      'Each identity is counted once, in the bucket of its first exposure. ' +
      (data.multiVariant === 'first-seen'
        ? 'An identity that was in several variants counts in the first one.'
        : 'An identity that was in several variants is excluded, and counted nowhere else.') +
      ' The end of the window is not included.'
  }

  const tick = (): void => {
    const success = shownSuccess(data)
    if (success === null) return
    const words = ageWords(success, Date.now() + aheadMs)
    if (age.textContent !== words) age.textContent = words
  }

  const announce = (words: string): void => {
    // Nothing is announced when the page opens: the page itself is read.
    if (announced !== undefined && announced !== words) announcement.textContent = words
    announced = words
  }

  const chooseZones = (experimentZone: string): void => {
    if (zonesOf === experimentZone) return
    zonesOf = experimentZone
    const choices = zoneChoices(experimentZone)
    if (!choices.some((choice) => choice.timeZone === timeZone)) timeZone = undefined
    zones.replaceChildren(
      choices.length === 1
        ? element('p', { class: 'note' }, `Times in ${zoneName(experimentZone)}`)
        : radioGroup(
            'time-zone',
            'Times in',
            choices.map(({ timeZone, label }) => ({ value: timeZone, label })),
            timeZone ?? experimentZone,
            (value) => {
              timeZone = value
              render()
            },
          ),
    )
  }

  control?.show(initial)
  render()
  setInterval(tick, 10_000)
}

function viewOf({ status, experiment, variants, control, expectedShares }: PanelData): ExposuresView | null {
  if (!('success' in status) || status.success === null) return null
  const { asOf, summary } = status.success
  const configured = variants ?? (expectedShares === undefined ? undefined : Object.keys(expectedShares))
  return exposuresView(summary, {
    fillGaps: true,
    window: { startMs: experiment.startedAt, asOfMs: asOf },
    ...(configured === undefined ? {} : { variants: configured }),
    ...(control === undefined ? {} : { control }),
  })
}

function aboutLine({ origin, experiment }: PanelData, view: ExposuresView | null, zone: string): string {
  const window =
    view?.window == null
      ? []
      : [
          `${instantLabel(experiment.startedAt, zone)} to ${instantLabel(view.window.asOfMs, zone)}, ` +
            `${duration(view.window.asOfMs - view.window.startMs)}, by ${view.granularity}`,
          ...(view.timeZone === zone ? [] : [`buckets in ${zoneName(view.timeZone)}`]),
        ]
  return [...(origin === undefined ? [] : [oneLine(origin)]), ...window].join(' · ')
}

function licencesDetails(licences: () => string): HTMLElement {
  const text = element('pre', { tabindex: '0' })
  const details = element('details', {}, element('summary', {}, 'Licences of the code in this page'), text)
  details.addEventListener('toggle', () => {
    if (details.open && text.textContent === '') text.textContent = licences()
  })
  return details
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
