import type { ExposuresAnswer } from '../exposures-answer.js'
import type { PanelWords } from '../panel-words.js'
import { element } from './element.js'

/** Asks the page for an answer; it may resolve to nothing, and give the answer to `update` instead. */
export type AskForAnswer = (signal: AbortSignal) => Promise<ExposuresAnswer | undefined | void> | void

/** Keeps a panel up to date, with a button that asks for a refresh. */
export interface RefreshControl {
  readonly root: HTMLElement
  /** Takes an answer that the panel shows now. */
  readonly show: (answer: ExposuresAnswer) => void
  /** Takes note of a trouble that the panel tells by itself: only what is asked from now on ends it. */
  readonly noteTrouble: () => void
  /** Asks for the first answer at once, but not before its caller has returned. */
  readonly start: () => void
  readonly dispose: () => void
}

// While a run is awaited, ask soon, then less often. Otherwise ask once a minute, because others may refresh too.
const soonMs = 1000
const patientMs = 5000
const idleMs = 60_000
// How long to wait for one answer.
const patienceMs = 60_000

/**
 * Asks for the answer to show, and for a refresh when the button is pressed.
 *
 * @param onAnswer - called with what came
 * @param onTrouble - called with a sentence if none came, and with `null` when one that was asked later does
 */
export function refreshControl(
  { onPoll, onRefresh }: { readonly onPoll?: AskForAnswer; readonly onRefresh?: AskForAnswer },
  onAnswer: (answer: unknown) => void,
  onTrouble: (message: string | null) => void,
  { say }: PanelWords,
): RefreshControl {
  const wait = element('span', { id: 'refresh-wait', class: 'note' })
  const button = element('button', { type: 'button', 'aria-describedby': 'refresh-wait' })
  const root = element('div', { class: 'refresh' }, wait, button)
  const gone = new AbortController()

  let answer: ExposuresAnswer | undefined
  let receivedAt = 0
  // Turns count what was asked. What is shown, and what troubles, are newer than these turns and all before them.
  let asked = 0
  let answered = 0
  let troubled = 0
  let isAsking = false
  let waiting = 0
  let pauseMs = soonMs
  let timer: ReturnType<typeof setTimeout> | undefined
  let clock: ReturnType<typeof setInterval> | undefined

  const mayAskInMs = (): number => {
    const { decision } = answer ?? {}
    if (decision?.type !== 'throttled') return 0
    return Math.max(0, decision.retryAfterMs - (performance.now() - receivedAt))
  }

  const label = (): void => {
    // A callback may settle after the panel is gone, and no clock may start then.
    if (gone.signal.aborted) return
    const { status, decision } = answer ?? {}
    const type = isAsking || status?.type === 'refreshing' ? 'in-flight' : decision?.type
    const waitMs = mayAskInMs()
    const mayAsk = type === 'due' || (type === 'throttled' && waitMs === 0)
    root.hidden = onRefresh === undefined || status?.type === 'final' || type === 'final'
    // Not `disabled`: the keyboard focus must stay on the button while a refresh runs.
    button.setAttribute('aria-disabled', String(!mayAsk))
    button.classList.toggle('busy', type === 'in-flight')
    write(button, say(type === 'in-flight' ? 'refreshing' : 'refresh'))
    const seconds = Math.ceil(waitMs / 1000)
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    write(
      wait,
      type === 'not-started'
        ? say('notStarted')
        : type === 'throttled' && seconds > 0
          ? say('possibleAgainIn', { time })
          : '',
    )
    // The clock runs only while there is something to count.
    if (seconds > 0 && clock === undefined) clock = setInterval(label, 1000)
    else if (seconds === 0) stopClock()
  }
  const stopClock = (): void => {
    clearInterval(clock)
    clock = undefined
  }

  const ask = async (how: AskForAnswer): Promise<void> => {
    clearTimeout(timer)
    waiting++
    const turn = ++asked
    const limit = new AbortController()
    const leave = (): void => {
      clearTimeout(patience)
      limit.abort()
    }
    const patience = setTimeout(() => {
      limit.abort(new DOMException('No answer came within a minute.', 'TimeoutError'))
    }, patienceMs)
    gone.signal.addEventListener('abort', leave)
    // A callback need not heed the signal, and may never settle: what waits for it goes on without it.
    const givenUp = new Promise<never>((_, reject) => {
      limit.signal.addEventListener('abort', () => {
        reject(limit.signal.reason as Error)
      })
    })
    try {
      const came = await Promise.race([(async () => how(limit.signal))(), givenUp])
      if (gone.signal.aborted) return
      if (came !== undefined) {
        if (turn <= answered && !isNewer(came)) return
        onAnswer(came)
        answered = turn
      }
      if (turn > troubled) onTrouble(null)
    } catch (error) {
      // Where a later turn has answered, the service does.
      if (gone.signal.aborted || turn < answered) return
      troubled = asked
      onTrouble(error instanceof Error ? error.message : String(error))
    } finally {
      clearTimeout(patience)
      gone.signal.removeEventListener('abort', leave)
      waiting--
      schedule()
    }
  }

  // By the server's clock, which made both. It may go back, so only answers that overtook one another are compared.
  const isNewer = (came: ExposuresAnswer | null): boolean =>
    answer === undefined || Number(came?.nowMs) > answer.nowMs

  const schedule = (): void => {
    clearTimeout(timer)
    if (onPoll === undefined || gone.signal.aborted || answer?.status.type === 'final') return
    // Without any answer yet, the first one is awaited.
    const isAwaited = answer === undefined || answer.status.type === 'refreshing'
    pauseMs = isAwaited ? Math.min(patientMs, pauseMs * 1.3) : soonMs
    timer = setTimeout(poll, isAwaited ? pauseMs : idleMs)
  }
  const poll = (): void => {
    if (onPoll === undefined || gone.signal.aborted) return
    if (document.hidden) schedule()
    else if (waiting === 0) void ask(onPoll)
  }

  button.addEventListener('click', () => {
    if (onRefresh === undefined || button.getAttribute('aria-disabled') === 'true') return
    isAsking = true
    label()
    void ask(onRefresh).finally(() => {
      isAsking = false
      label()
    })
  })
  document.addEventListener(
    'visibilitychange',
    () => {
      if (!document.hidden && answer?.status.type !== 'final') poll()
    },
    { signal: gone.signal },
  )
  label()

  return {
    root,
    show: (next) => {
      answer = next
      answered = asked
      receivedAt = performance.now()
      label()
      if (waiting === 0) schedule()
    },
    noteTrouble: () => {
      troubled = asked
    },
    start: () => {
      timer = setTimeout(poll)
    },
    dispose: () => {
      gone.abort()
      clearTimeout(timer)
      stopClock()
    },
  }

  function write(element: HTMLElement, text: string): void {
    if (element.textContent !== text) element.textContent = text
  }
}
