import type { PanelData, PanelService } from '../panel-data.js'
import { element } from './element.js'

/** Keeps a page up to date, with a button that asks for a refresh. */
export interface RefreshControl {
  readonly root: HTMLElement
  /** Takes the data that the page was made with, or an answer of the service. */
  readonly show: (data: PanelData) => void
}

const statusTypes = new Set(['final', 'refreshing', 'stale', 'failed', 'loaded', 'empty'])
// While a run is awaited, ask soon, then less often. Otherwise ask once a minute, because others may refresh too.
const soonMs = 1000
const patientMs = 5000
const idleMs = 60_000

/**
 * Follows a service: asks it for the data to show, and for a refresh when the button is pressed.
 *
 * @param onAnswer - called with every answer
 * @param onTrouble - called with a sentence if the service does not answer as it should, and with `null` when it does
 *   again
 */
export function refreshControl(
  service: PanelService,
  onAnswer: (data: PanelData) => void,
  onTrouble: (sentence: string | null) => void,
): RefreshControl {
  const wait = element('span', { id: 'refresh-wait', class: 'note' })
  const button = element('button', { type: 'button', 'aria-describedby': 'refresh-wait' }, 'Refresh')
  const root = element('div', { class: 'refresh' }, wait, button)

  let data: PanelData | undefined
  let receivedAt = 0
  let asked = 0
  let answered = 0
  let isPosting = false
  let isWaiting = false
  let pauseMs = soonMs
  let timer: ReturnType<typeof setTimeout> | undefined

  const mayAskInMs = (): number => {
    const { decision } = data ?? {}
    if (decision?.type !== 'throttled') return 0
    return Math.max(0, decision.retryAfterMs - (performance.now() - receivedAt))
  }

  const label = (): void => {
    const { status, decision } = data ?? {}
    const type = isPosting || status?.type === 'refreshing' ? 'in-flight' : decision?.type
    const waitMs = mayAskInMs()
    const mayAsk = type === undefined || type === 'due' || (type === 'throttled' && waitMs === 0)
    root.hidden = status?.type === 'final' || type === 'final'
    // Not `disabled`: the keyboard focus must stay on the button while a refresh runs.
    button.setAttribute('aria-disabled', String(!mayAsk))
    button.classList.toggle('busy', type === 'in-flight')
    button.textContent = type === 'in-flight' ? 'Refreshing…' : 'Refresh'
    const seconds = Math.ceil(waitMs / 1000)
    wait.textContent =
      type === 'not-started'
        ? 'Not started yet'
        : type === 'throttled' && seconds > 0
          ? `Possible again in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
          : ''
  }

  const ask = async (method: 'GET' | 'POST'): Promise<void> => {
    clearTimeout(timer)
    isWaiting = true
    const turn = ++asked
    try {
      const answer = await answerOf(method === 'POST' ? service.refreshUrl : service.exposuresUrl, method)
      // A newer answer has arrived meanwhile: ignore this one.
      if (turn > answered) {
        onAnswer(answer)
        answered = turn
        onTrouble(null)
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      onTrouble(`${reason} You see the last answer of the service.`)
    } finally {
      isWaiting = false
      schedule()
    }
  }

  const schedule = (): void => {
    clearTimeout(timer)
    if (data?.status.type === 'final') return
    const isAwaited = data?.status.type === 'refreshing'
    pauseMs = isAwaited ? Math.min(patientMs, pauseMs * 1.3) : soonMs
    timer = setTimeout(() => void poll(), isAwaited ? pauseMs : idleMs)
  }

  const poll = async (): Promise<void> => {
    if (document.hidden) schedule()
    else if (!isWaiting) await ask('GET')
  }

  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') === 'true') return
    isPosting = true
    label()
    void ask('POST').finally(() => {
      isPosting = false
      label()
    })
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && data?.status.type !== 'final') void poll()
  })
  setInterval(label, 1000)

  return {
    root,
    show: (next) => {
      data = next
      receivedAt = performance.now()
      label()
      if (!isWaiting) schedule()
    },
  }
}

/** The service's answer. Its HTTP status can be any: an answer that refuses a refresh says why. */
async function answerOf(url: string, method: 'GET' | 'POST'): Promise<PanelData> {
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json' },
    cache: 'no-store',
    signal: AbortSignal.timeout(60_000),
  }).catch(() => {
    throw new Error('The service does not answer.')
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (isPanelData(answer)) return answer
  throw new Error(`The service answered with HTTP ${response.status} and nothing to show.`)
}

/** Whether the panel can show an answer. The view checks the summary. */
function isPanelData(answer: unknown): answer is PanelData {
  if (typeof answer !== 'object' || answer === null) return false
  const { title, status, experiment, nowMs } = answer as Partial<PanelData>
  return (
    typeof title === 'string' &&
    typeof nowMs === 'number' &&
    typeof experiment?.startedAt === 'number' &&
    statusTypes.has(String(status?.type))
  )
}
