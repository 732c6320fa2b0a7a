import { oneOf, withFields } from '../../checks.js'
import { invalidPanel } from '../../errors.js'
import { aTimeZone } from '../../time/time-zone.js'
import { formerOf, successOf } from '../answered-view.js'
import type { ExposuresAnswer } from '../exposures-answer.js'
import { excludesNobody } from '../split-words.js'
import { panelWords, type PanelLanguage, type PanelWords } from '../panel-words.js'
import { visible } from '../variant-label.js'
import { chartCard } from './chart-card.js'
import { checkedAnswer, whyUnreadable } from './checked-answer.js'
import { crossoversCard } from './crossovers-card.js'
import { markScrollable } from './data-table.js'
import { element } from './element.js'
import { figures } from './figures.js'
import { ledgerCard } from './ledger-card.js'
import { panelStyle } from './panel-style.js'
import { patchChildren } from './patch-children.js'
import { radioGroup } from './radio-group.js'
import { refreshControl, type AskForAnswer } from './refresh-control.js'
import { shownOf, type Shown } from './shown.js'
import { slicesCard } from './slices-card.js'
import { splitCard } from './split-card.js'
import { statusWords } from './status-words.js'
import { isSameZone, zoneChoices, zoneName } from './time-labels.js'
import { variantsCard } from './variants-card.js'

/** How a panel looks and reads, in a page of yours and in one of `panelPage`. Every option has a default. */
export interface PanelAppearance extends PanelLanguage {
  /** The IANA zone to show times in at first. Default: the experiment's. The reader can choose another one. */
  readonly timeZone?: string
  /** The direction of the text. Default: that of the page around it. */
  readonly dir?: 'ltr' | 'rtl'
}

/** How a panel behaves in a page of yours. Every option has a default. */
export interface PanelOptions extends PanelAppearance {
  /**
   * Asks your server for its answer. With it, the panel keeps itself up to date: it asks every few seconds while a
   * refresh runs, otherwise once a minute, and never while the page is hidden. After a minute without an answer the
   * panel says so, and asks again later; it then aborts the signal, as it does when it is disposed of.
   */
  readonly onPoll?: AskForAnswer
  /**
   * Asks your server for a refresh. With it, the panel has a button. Resolve to the server's answer as soon as the refresh
   * is requested; or to nothing, and call `update`. If it rejects, or takes more than a minute, the panel says so and
   * keeps what it shows.
   */
  readonly onRefresh?: AskForAnswer
  /** The level of the panel's own heading; its cards have the next one. Default 2. */
  readonly headingLevel?: 1 | 2 | 3 | 4 | 5
  /**
   * The nonce of the page's content security policy. With it, the styles are a `<style>` element with this nonce;
   * otherwise a constructed sheet, which no policy forbids.
   */
  readonly nonce?: string
}

/** An element of a page, named by what a panel needs of it: so these types need no DOM. */
export interface PanelTarget {
  readonly append: (...nodes: never[]) => unknown
  readonly ownerDocument: object | null
}

/** A panel in a page. */
export interface Panel {
  /** Shows another answer. What the reader has opened, chosen or focused stays. */
  readonly update: (answer: ExposuresAnswer) => void
  /** Removes the panel, its timers and its listeners. Nothing of it is left; calling it twice does no harm. */
  readonly dispose: () => void
}

/**
 * Draws a panel inside an element: in a shadow root of its own, so that no style of the page reaches it and none of
 * its own leaves it. The children that the element has already stay.
 *
 * An answer that this version cannot read is not an error: the panel says so in words, or keeps showing the answer
 * before it.
 *
 * Its colours and fonts follow the page, and `color-scheme` of the page decides between light and dark. The custom
 * properties that change them are in the guide.
 *
 * @param target - an element of the page, or a shadow root
 * @param answer - what `exposuresAnswer` returned on the server, from its JSON; `null` if it is not there yet: with
 *   `onPoll` the panel asks for it
 * @param options - language, time zone, and what the panel calls
 * @returns functions to show another answer, and to remove the panel
 * @throws {@link ExposureError} `invalid-panel`, naming the option, or `target` if there is no such element
 *
 * @example
 * ```ts
 * import type { ExposuresAnswer, Panel } from 'first-exposure/panel'
 * import { mountPanel } from 'first-exposure/panel'
 *
 * const ask = (method: string) => async (signal: AbortSignal): Promise<ExposuresAnswer> =>
 *   (await fetch('/experiments/checkout/exposures', { method, signal })).json()
 *
 * const show = (element: Element): Panel =>
 *   mountPanel(element, null, { onPoll: ask('GET'), onRefresh: ask('POST') })
 * show.length // => 1
 * ```
 */
export function mountPanel(
  target: PanelTarget,
  answer: ExposuresAnswer | null,
  options: PanelOptions = {},
): Panel {
  checkPlace(target)
  withFields(options, optionFields, 'options', invalidPanel, '')
  const { locale, labels, timeZone, dir, onPoll, onRefresh, headingLevel = 2, nonce } = options
  if (timeZone !== undefined) aTimeZone(timeZone, 'timeZone', invalidPanel)
  if (dir !== undefined) oneOf(['ltr', 'rtl'])(dir, 'dir', invalidPanel)
  if (![1, 2, 3, 4, 5].includes(headingLevel)) {
    throw invalidPanel('headingLevel', headingLevel, 'Pass a whole number from 1 to 5.')
  }
  const words = panelWords({
    ...(locale === undefined ? {} : { locale }),
    ...(labels === undefined ? {} : { labels }),
  })

  const host = element('div')
  const root = element('div', { class: 'panel', lang: words.locale, ...(dir === undefined ? {} : { dir }) })
  const shadow = host.attachShadow({ mode: 'open' })
  style(shadow, nonce)
  shadow.append(root)
  const content = panelContent(root, words, {
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(onPoll === undefined ? {} : { onPoll }),
    ...(onRefresh === undefined ? {} : { onRefresh }),
    headingLevel,
  })
  ;(target as Element).append(host)
  content.begin(answer)
  return Object.freeze({
    update: content.update,
    dispose: () => {
      content.dispose()
      host.remove()
    },
  })
}

/** Before anything starts. An element of another realm is no `Element` of this one, so its kind is asked for. */
function checkPlace(target: unknown): void {
  const { nodeType } = (target ?? {}) as { readonly nodeType?: unknown }
  // An element; a shadow root is a fragment.
  if (nodeType !== 1 && nodeType !== 11) throw invalidPanel('target', target, 'Pass an element of the page.')
}

const optionFields = [
  'locale',
  'labels',
  'timeZone',
  'dir',
  'onPoll',
  'onRefresh',
  'headingLevel',
  'nonce',
] as const satisfies readonly (keyof PanelOptions)[]

// One sheet for all panels of a document.
const sheets = /* @__PURE__ */ new WeakMap<Document, CSSStyleSheet>()

function style(shadow: ShadowRoot, nonce: string | undefined): void {
  if (nonce === undefined && 'adoptedStyleSheets' in shadow) {
    const sheet = sheets.get(document) ?? new CSSStyleSheet()
    if (!sheets.has(document)) sheet.replaceSync(panelStyle)
    sheets.set(document, sheet)
    shadow.adoptedStyleSheets = [sheet]
  } else {
    shadow.append(element('style', nonce === undefined ? {} : { nonce }, panelStyle))
  }
}

interface PanelContent {
  readonly begin: (answer: unknown) => void
  readonly update: (answer: unknown) => void
  readonly dispose: () => void
}

function panelContent(
  root: HTMLElement,
  words: PanelWords,
  {
    onPoll,
    onRefresh,
    headingLevel,
    ...options
  }: Pick<PanelOptions, 'timeZone' | 'onPoll' | 'onRefresh'> & {
    readonly headingLevel: 1 | 2 | 3 | 4 | 5
  },
): PanelContent {
  const { say, instant, ago } = words
  let answer: ExposuresAnswer | null = null
  let isLive = onPoll !== undefined || onRefresh !== undefined
  // How far the server's clock is ahead of this one; 0 where nothing says when the answer came.
  let aheadMs = 0
  // The zone that the reader chose, or the page did; undefined for the experiment's.
  let timeZone: string | undefined = options.timeZone
  let zonesOf: string | undefined
  let trouble: string | null = null
  let announced: string | undefined

  const title = element(`h${headingLevel}`)
  const heading = (...children: readonly (Node | string)[]): HTMLElement =>
    element(`h${(headingLevel + 1) as 2}`, {}, ...children)
  const badge = element('span')
  // Whatever the state is: the count that is shown answers an older question.
  const oldBadge = element('span', { class: 'badge warning' }, say('outdated'))
  const origin = element('p', { class: 'note' })
  const zones = element('div', { class: 'zones' })
  const banner = element('div', { class: 'banner' })
  const troubleBanner = element('div', { class: 'banner warning' })
  // For screen readers when the state changes; the panel shows the same text.
  const announcement = element('p', { class: 'unseen', role: 'status' })
  const tiles = element('dl', { class: 'figures' })
  const chart = chartCard(heading(), words)
  const nobody = element('section', { class: 'card nobody' })
  const variants = element('section', { class: 'card' })
  const split = element('section', { class: 'card' })
  const ledger = element('section', { class: 'card' })
  const crossovers = element('section', { class: 'card' })
  const slices = element('section', { class: 'card' })
  const foot = element('p', { class: 'note foot' })
  const cards = [tiles, nobody, chart.root, variants, split, ledger, crossovers, slices, foot]

  /** Shows what came, or throws and shows what there was before. */
  const take = (came: unknown, isFirst = false): void => {
    const before = answer
    const next = checkedAnswer(came, words)
    try {
      answer = next
      render()
    } catch (error) {
      // No part of an answer that cannot be shown may stay.
      answer = before
      render()
      throw error
    }
    // The first answer may come from a cache: that it was made hours ago does not mean that this clock is ahead.
    if (isLive) aheadMs = Math.max(next.nowMs - Date.now(), isFirst ? 0 : -Infinity)
    tick()
    const hadFocus = control.root.contains((root.getRootNode() as ShadowRoot).activeElement)
    control.show(next)
    // The button is gone, and a reader at the keyboard must not begin at the top of the page again.
    if (hadFocus && control.root.hidden) {
      title.tabIndex = -1
      title.focus()
    }
  }
  const complain = (sentence: string | null): void => {
    if (trouble === sentence) return
    trouble = sentence
    render()
  }
  const control = refreshControl(
    { ...(onPoll === undefined ? {} : { onPoll }), ...(onRefresh === undefined ? {} : { onRefresh }) },
    (came) => {
      try {
        take(came)
      } catch (error) {
        throw new Error(whyUnreadable(error, words), { cause: error })
      }
    },
    (message) => {
      complain(
        message === null
          ? null
          : [
              say('noReply', { message: visible(message) }),
              ...(answer === null ? [] : [say('lastAnswerShown')]),
            ].join(' '),
      )
    },
    words,
  )

  root.append(
    element(
      'header',
      {},
      element('div', { class: 'title' }, title, badge, oldBadge),
      control.root,
      element('div', { class: 'about' }, origin, zones),
    ),
    announcement,
    troubleBanner,
    banner,
    ...cards,
  )

  const render = (): void => {
    show(troubleBanner, trouble === null ? [] : [trouble])
    if (answer === null) renderNothing()
    else renderAnswer(answer)
  }

  const renderNothing = (): void => {
    // Without an answer: either it is on its way, or none came that can be shown.
    const isAwaited = trouble === null && onPoll !== undefined
    title.textContent = say(isAwaited ? 'loading' : trouble === null ? 'empty' : 'cannotBeShown')
    badge.hidden = true
    oldBadge.hidden = true
    show(banner, isAwaited ? [say('loadingSentence')] : [])
    // An answer that could not be shown may have filled these.
    for (const card of cards) card.hidden = true
    origin.textContent = ''
    zones.replaceChildren()
    zonesOf = undefined
    announce(trouble ?? '')
  }

  const renderAnswer = (answer: ExposuresAnswer): void => {
    const success = successOf(answer.status)
    const experimentZone = success?.summary.timeseries.timeZone ?? answer.timeZone
    chooseZones(experimentZone)
    const zone = timeZone ?? experimentZone
    const shown = shownOf(answer, zone, words, heading)

    title.textContent = oneLine(answer.title)
    const status = statusWords(answer, zone, isLive, onRefresh !== undefined, words)
    badge.className = `badge status ${status.tone}`
    badge.textContent = status.badge
    badge.hidden = false
    oldBadge.hidden = answer.status.type === 'outdated' || formerOf(answer.status) === undefined
    banner.className = `banner ${status.tone}`
    show(banner, status.sentences)
    announce([trouble, `${status.badge}.`, ...status.sentences].filter((text) => text !== null).join(' '))
    origin.textContent = aboutLine(answer, shown, zone, words)
    patchChildren(
      tiles,
      figures(
        shown,
        success === null
          ? null
          : {
              label: instant(success.asOf, zone),
              iso: new Date(success.asOf).toISOString(),
              age: age(success.asOf),
            },
        words,
      ),
    )
    tiles.hidden = false
    const isEmpty = shown === null || shown.view.total === 0
    fill(nobody, isEmpty ? [element('p', {}, nobodyWords(shown, words))] : null)
    chart.root.hidden = isEmpty
    fill(variants, shown && variantsCard(shown))
    fill(split, shown && splitCard(shown))
    fill(ledger, shown && answer.ledger && ledgerCard(answer.ledger, shown))
    fill(crossovers, shown && answer.crossovers && crossoversCard(answer.crossovers, shown))
    fill(slices, shown && answer.slices && slicesCard(answer.slices, shown))
    foot.hidden = false
    const isFirst = excludesNobody(answer.multiVariant, shown?.view.excludedIdentities ?? 0)
    foot.textContent = say(isFirst ? 'countedFirst' : 'countedOnce')
    // Both read sizes, and the chart then draws: so the page is laid out once for both.
    markScrollable(root)
    if (shown !== null && !isEmpty) chart.show(shown)
  }

  const age = (asOf: number): string => ago(Date.now() + aheadMs - asOf)
  const tick = (): void => {
    const success = answer === null ? null : successOf(answer.status)
    const place = tiles.querySelector('.age')
    if (success === null || place === null) return
    const text = age(success.asOf)
    if (place.textContent !== text) place.textContent = text
  }

  const announce = (text: string): void => {
    // Nothing is announced when the panel opens: the page itself is read.
    if (announced !== undefined && announced !== text) announcement.textContent = text
    announced = text
  }

  const chooseZones = (experimentZone: string): void => {
    if (zonesOf === experimentZone) return
    zonesOf = experimentZone
    const choices = zoneChoices(experimentZone, options.timeZone, words)
    const chosen = choices.find((choice) => timeZone !== undefined && isSameZone(choice.timeZone, timeZone))
    timeZone = chosen?.timeZone
    zones.replaceChildren(
      choices.length === 1
        ? element('p', { class: 'note' }, say('timesInZone', { zone: zoneName(experimentZone) }))
        : radioGroup(
            'time-zone',
            say('timesIn'),
            choices.map(({ timeZone, label }) => ({ value: timeZone, label })),
            timeZone ?? experimentZone,
            (value) => {
              timeZone = value
              render()
            },
          ),
    )
  }

  const widths = new ResizeObserver(() => {
    markScrollable(root)
  })
  const clock = setInterval(tick, 10_000)
  let isDisposed = false

  /** Whether it could be shown. */
  const takeOrComplain = (came: unknown, isFirst?: boolean): boolean => {
    try {
      take(came, isFirst)
      complain(null)
      return true
    } catch (error) {
      control.noteTrouble()
      complain([whyUnreadable(error, words), ...(answer === null ? [] : [say('lastAnswerShown')])].join(' '))
      return false
    }
  }

  return {
    begin: (first) => {
      render()
      // One that cannot be shown is as good as none: the next one may be of this version.
      if (first === null || !takeOrComplain(first, true)) control.start()
      widths.observe(root)
    },
    update: (next) => {
      if (isDisposed) return
      isLive = true
      takeOrComplain(next)
    },
    dispose: () => {
      isDisposed = true
      clearInterval(clock)
      widths.disconnect()
      chart.dispose()
      control.dispose()
    },
  }
}

function show(banner: HTMLElement, sentences: readonly string[]): void {
  patchChildren(
    banner,
    sentences.map((sentence) => element('p', {}, sentence)),
  )
  banner.hidden = sentences.length === 0
}

function fill(card: HTMLElement, content: readonly HTMLElement[] | null): void {
  card.hidden = content === null
  patchChildren(card, content ?? [])
}

function nobodyWords(shown: Shown | null, { say }: PanelWords): string {
  if (shown === null) return say('noCountYet')
  const { excludedIdentities } = shown.view
  return excludedIdentities === 0 ? say('nobodyEntered') : say('nobodyLeft', { count: excludedIdentities })
}

function aboutLine(
  { origin }: ExposuresAnswer,
  shown: Shown | null,
  zone: string,
  { say, instant, duration }: PanelWords,
): string {
  const view = shown?.view
  const window =
    view?.window == null
      ? []
      : [
          say(view.granularity === 'hour' ? 'aboutByHour' : 'aboutByDay', {
            start: instant(view.window.startMs, zone),
            end: instant(view.window.asOfMs, zone),
            duration: duration(view.window.asOfMs - view.window.startMs),
          }),
          ...(isSameZone(view.timeZone, zone)
            ? []
            : [say('bucketsInZone', { zone: zoneName(view.timeZone) })]),
        ]
  return [...(origin === null ? [] : [oneLine(origin)]), ...window].join(' · ')
}

/** Text of somebody else on one line. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
