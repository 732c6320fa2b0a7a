import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ExposuresAnswer } from 'first-exposure/panel'
import {
  refreshControl,
  type AskForAnswer,
  type RefreshControl,
} from '../../src/panel/browser/refresh-control.js'
import { panelWords } from '../../src/panel/panel-words.js'

/** As much of an element as the control needs. */
interface StubElement extends EventTarget {
  readonly children: readonly StubElement[]
  textContent: string
  hidden: boolean
  readonly getAttribute: (name: string) => string | null
}

function stubElement(): StubElement {
  const attributes = new Map<string, string>()
  const children: StubElement[] = []
  return Object.assign(new EventTarget(), {
    children,
    textContent: '',
    hidden: false,
    classList: { toggle: () => true },
    setAttribute: (name: string, value: string) => attributes.set(name, value),
    getAttribute: (name: string) => attributes.get(name) ?? null,
    append: (...more: StubElement[]) => children.push(...more),
  })
}

const minuteMs = 60_000
const page = Object.assign(new EventTarget(), { hidden: false, createElement: stubElement })
const due = { type: 'due' } as const

beforeEach(() => {
  page.hidden = false
  vi.useFakeTimers()
  vi.stubGlobal('document', page)
})
afterEach(() => {
  controls.splice(0).forEach(({ dispose }) => dispose())
  expect(vi.getTimerCount()).toBe(0)
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const controls: RefreshControl[] = []

/** A control, and what it told the panel. */
function controlled(how: { readonly onPoll?: AskForAnswer; readonly onRefresh?: AskForAnswer }): {
  readonly control: RefreshControl
  readonly button: StubElement
  readonly wait: StubElement
  readonly shown: string[]
  readonly troubles: (string | null)[]
  readonly press: () => void
} {
  const shown: string[] = []
  const troubles: (string | null)[] = []
  const control = refreshControl(
    how,
    (came) => {
      shown.push((came as ExposuresAnswer).title)
      control.show(came as ExposuresAnswer)
    },
    (message) => troubles.push(message),
    panelWords(),
  )
  controls.push(control)
  const [wait, button] = (control.root as unknown as StubElement).children
  if (wait === undefined || button === undefined) throw new Error('The control has no button.')
  return { control, button, wait, shown, troubles, press: () => button.dispatchEvent(new Event('click')) }
}

/** An answer as the control reads it. */
function answer(
  type: ExposuresAnswer['status']['type'],
  { title = 'answer', nowMs = 0, decision = due }: { title?: string; nowMs?: number; decision?: object } = {},
): ExposuresAnswer {
  return { version: 1, title, nowMs, status: { type }, decision } as unknown as ExposuresAnswer
}

/** A callback whose promises the test settles. */
function held(): {
  readonly ask: AskForAnswer
  readonly signals: AbortSignal[]
  readonly resolve: (came?: ExposuresAnswer) => Promise<void>
  readonly reject: (message: string) => Promise<void>
} {
  const signals: AbortSignal[] = []
  const waiting: { resolve: (came?: ExposuresAnswer) => void; reject: (error: Error) => void }[] = []
  return {
    signals,
    ask: (signal) => {
      signals.push(signal)
      return new Promise<ExposuresAnswer | undefined>((resolve, reject) => waiting.push({ resolve, reject }))
    },
    resolve: async (came) => {
      waiting.shift()?.resolve(came)
      await vi.advanceTimersByTimeAsync(0)
    },
    reject: async (message) => {
      waiting.shift()?.reject(new Error(message))
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

const never: AskForAnswer = () => new Promise<undefined>(() => {})

describe('a callback that never settles, and heeds no signal', () => {
  const late = 'No answer came within a minute.'

  test('a poll ends after a minute; the next one follows', async () => {
    const onPoll = vi.fn<AskForAnswer>(never)
    const { control, troubles } = controlled({ onPoll })
    control.start()
    await vi.advanceTimersByTimeAsync(10 * minuteMs)
    expect(onPoll.mock.calls.length).toBeGreaterThanOrEqual(9)
    expect(new Set(troubles)).toEqual(new Set([late]))
    expect(onPoll.mock.calls[0]?.[0]).toMatchObject({
      aborted: true,
      reason: { name: 'TimeoutError', message: late },
    })
  })

  test('a refresh ends after a minute; the button works again, and polls go on', async () => {
    const onPoll = vi.fn<AskForAnswer>(async () => answer('loaded'))
    const { control, button, troubles, press } = controlled({ onPoll, onRefresh: never })
    control.show(answer('loaded'))
    press()
    expect(button.textContent).toBe('Refreshing…')
    await vi.advanceTimersByTimeAsync(minuteMs)
    expect(troubles).toEqual([late])
    expect([button.textContent, button.getAttribute('aria-disabled')]).toEqual(['Refresh', 'false'])
    await vi.advanceTimersByTimeAsync(2 * minuteMs)
    expect(onPoll).toHaveBeenCalledTimes(2)
  })

  test('what comes after that is ignored', async () => {
    const { ask, resolve } = held()
    const { control, shown, press } = controlled({ onRefresh: ask })
    control.show(answer('loaded'))
    press()
    await vi.advanceTimersByTimeAsync(minuteMs)
    await resolve(answer('loaded'))
    expect(shown).toEqual([])
  })
})

describe('an answer that arrives while another one is awaited', () => {
  /** A minute after `loaded` came: a poll is on its way. */
  const polling = async (more: { readonly onRefresh?: AskForAnswer } = {}) => {
    const poll = held()
    const made = controlled({ onPoll: poll.ask, ...more })
    made.control.show(answer('loaded', { nowMs: 1 }))
    await vi.advanceTimersByTimeAsync(minuteMs)
    expect(poll.signals).toHaveLength(1)
    return { ...made, poll }
  }

  test('an update is not replaced by a poll that is older, and polls follow soon while a refresh runs', async () => {
    const { control, shown, poll } = await polling()
    control.show(answer('refreshing', { nowMs: 3 }))
    await poll.resolve(answer('loaded', { nowMs: 2 }))
    expect(shown).toEqual([])
    await vi.advanceTimersByTimeAsync(2000)
    expect(poll.signals).toHaveLength(2)
  })

  test.each([
    ['newer than the update', 4, ['polled']],
    ['as old as the update', 3, []],
  ])('a poll that is %s', async (_, nowMs, expected) => {
    const { control, shown, poll } = await polling()
    control.show(answer('refreshing', { nowMs: 3 }))
    await poll.resolve(answer('loaded', { title: 'polled', nowMs }))
    expect(shown).toEqual(expected)
  })

  test('the server’s clock may go back: polls one after the other are all shown', async () => {
    const { shown, poll } = await polling()
    await poll.resolve(answer('loaded', { title: 'first', nowMs: 0 }))
    await vi.advanceTimersByTimeAsync(minuteMs)
    await poll.resolve(answer('loaded', { title: 'second', nowMs: -1 }))
    expect(shown).toEqual(['first', 'second'])
  })

  test('a poll does not replace the answer to a refresh that was asked later; nor does its failure count', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const refresh = held()
      const { shown, troubles, poll, press } = await polling({ onRefresh: refresh.ask })
      press()
      await refresh.resolve(answer('loaded', { title: 'refreshed', nowMs: 3 }))
      await (end === 'resolve' ? poll.resolve(answer('loaded', { nowMs: 2 })) : poll.reject('late'))
      expect(shown).toEqual(['refreshed'])
      expect(troubles).toEqual([null])
    }
  })

  test('a poll asked before a refresh does not stand in the way of its answer, whatever the clock says', async () => {
    const refresh = held()
    const { shown, poll, press } = await polling({ onRefresh: refresh.ask })
    press()
    await poll.resolve(answer('loaded', { title: 'polled', nowMs: 2 }))
    await refresh.resolve(answer('refreshing', { title: 'refreshed', nowMs: 2 }))
    expect(shown).toEqual(['polled', 'refreshed'])
  })

  test('a refresh may show what it expects first: its answer and its failure still count', async () => {
    const refresh = held()
    const { control, shown, troubles, press } = controlled({ onRefresh: refresh.ask })
    control.show(answer('loaded', { nowMs: 1 }))
    press()
    control.show(answer('refreshing', { nowMs: 1 }))
    await refresh.resolve(answer('loaded', { title: 'refreshed', nowMs: 2 }))
    expect(shown).toEqual(['refreshed'])
    press()
    control.show(answer('refreshing', { nowMs: 2 }))
    await refresh.reject('403')
    expect(troubles).toEqual([null, '403'])
  })

  test('a trouble is ended by what was asked after it only', async () => {
    const refresh = held()
    const { control, shown, troubles, poll, press } = await polling({ onRefresh: refresh.ask })
    press()
    await refresh.reject('403')
    await poll.resolve(answer('loaded', { title: 'asked before', nowMs: 2 }))
    expect([shown, troubles]).toEqual([['asked before'], ['403']])
    await vi.advanceTimersByTimeAsync(minuteMs)
    await poll.resolve()
    expect(troubles).toEqual(['403', null])

    // The host gave something that the panel cannot show.
    press()
    control.noteTrouble()
    await refresh.resolve()
    expect(troubles).toEqual(['403', null])
  })
})

describe('when it asks', () => {
  /** After how many whole milliseconds each poll came, counted from the one before it. */
  const pauses = async (onPoll: AskForAnswer, first: ExposuresAnswer | null, count: number) => {
    const at: number[] = []
    const { control } = controlled({
      onPoll: (signal) => {
        at.push(performance.now())
        return onPoll(signal)
      },
    })
    at.push(performance.now())
    if (first === null) control.start()
    else control.show(first)
    while (at.length <= count) await vi.advanceTimersToNextTimerAsync()
    return at.slice(1).map((ms, place) => Math.round(ms - (at[place] ?? 0)))
  }
  const backingOff = [1300, 1690, 2197, 2856, 3712, 4826, 5000, 5000]

  test('soon and then less often while a refresh runs', async () => {
    expect(await pauses(async () => answer('refreshing'), answer('refreshing'), 8)).toEqual(backingOff)
  })

  test('at once without an answer, and then as if one were awaited, whatever fails', async () => {
    const refuse: AskForAnswer = () => Promise.reject(new Error('503'))
    expect(await pauses(refuse, null, 9)).toEqual([0, ...backingOff])
  })

  test('once a minute otherwise, and soon again in the next refresh', async () => {
    const types = ['loaded', 'refreshing', 'refreshing', 'stale', 'refreshing', 'loaded'] as const
    let place = 0
    expect(await pauses(async () => answer(types[place++] ?? 'loaded'), answer('loaded'), 6)).toEqual([
      minuteMs,
      minuteMs,
      1300,
      1690,
      minuteMs,
      1300,
    ])
  })

  test('not inside the call that starts it: the host has no panel yet', async () => {
    const onPoll = vi.fn<AskForAnswer>()
    const { control } = controlled({ onPoll })
    control.start()
    expect(onPoll).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(0)
    expect(onPoll).toHaveBeenCalledOnce()
  })

  test('never while the page is hidden; at once when it is shown, unless one is awaited or all is final', async () => {
    const { ask, signals, resolve } = held()
    const { control } = controlled({ onPoll: ask })
    const turn = (hidden: boolean): void => {
      page.hidden = hidden
      page.dispatchEvent(new Event('visibilitychange'))
    }
    control.show(answer('refreshing'))
    turn(true)
    await vi.advanceTimersByTimeAsync(5 * minuteMs)
    expect(signals).toHaveLength(0)
    turn(false)
    expect(signals).toHaveLength(1)
    turn(true)
    turn(false)
    expect(signals).toHaveLength(1)
    await resolve(answer('final', { decision: { type: 'final' } }))
    turn(true)
    turn(false)
    await vi.advanceTimersByTimeAsync(5 * minuteMs)
    expect(signals).toHaveLength(1)
  })

  test('not without onPoll, and not for a refresh that may not be asked for', async () => {
    const onRefresh = vi.fn<AskForAnswer>()
    const { control, press } = controlled({ onRefresh })
    control.start()
    control.show(answer('loaded', { decision: { type: 'throttled', retryAfterMs: 90_000 } }))
    press()
    await vi.advanceTimersByTimeAsync(89_000)
    press()
    expect(onRefresh).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1000)
    press()
    expect(onRefresh).toHaveBeenCalledOnce()
  })
})

test('the wait is counted down, second by second', async () => {
  const { control, wait } = controlled({ onRefresh: never })
  control.show(answer('loaded', { decision: { type: 'throttled', retryAfterMs: 61_500 } }))
  expect(wait.textContent).toBe('Possible again in 1:02')
  await vi.advanceTimersByTimeAsync(3000)
  expect(wait.textContent).toBe('Possible again in 0:59')
  await vi.advanceTimersByTimeAsync(minuteMs)
  expect(wait.textContent).toBe('')
  expect(vi.getTimerCount()).toBe(0)
})

describe('when it is disposed of', () => {
  test.each(['resolve', 'reject'] as const)(
    'a callback that is left may %s: no timer starts',
    async (end) => {
      const { ask, signals, resolve, reject } = held()
      const { control, shown, troubles, press } = controlled({ onPoll: never, onRefresh: ask })
      control.show(answer('loaded'))
      press()
      control.show(answer('loaded', { decision: { type: 'throttled', retryAfterMs: 300_000 } }))
      control.dispose()
      expect(signals[0]).toMatchObject({ aborted: true, reason: { name: 'AbortError' } })
      await (end === 'resolve' ? resolve() : reject('gone'))
      expect(vi.getTimerCount()).toBe(0)
      expect([shown, troubles]).toEqual([[], []])
      page.dispatchEvent(new Event('visibilitychange'))
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  test('by the callback itself', async () => {
    const signals: AbortSignal[] = []
    const { control, troubles } = controlled({
      onPoll: (signal) => {
        signals.push(signal)
        control.dispose()
        throw new Error('gone')
      },
    })
    control.start()
    await vi.advanceTimersByTimeAsync(minuteMs)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(troubles).toEqual([])
  })
})
