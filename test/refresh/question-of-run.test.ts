import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  refreshDecision,
  refreshQuestion,
  refreshStatus,
  type RefreshQuestion,
  type RefreshState,
} from 'first-exposure'
import { describe, expect, test } from 'vitest'
// Inside the package only: what a host that keeps time asks.
import { decisionOfTry } from '../../src/refresh/refresh-decision.js'
import { questionOfRun } from '../../src/refresh/refresh-question.js'
import { refusalOf, refused } from '../refusal-of.js'

const now = Date.UTC(2026, 5, 9)
const minute = 60_000
const startedAt = Date.UTC(2026, 5, 1)
const of = (fingerprint: string, more = {}) => ({ startedAt, endedAt: null, fingerprint, ...more })
const question = (revision: number, fingerprint: string | null): RefreshQuestion => ({
  revision,
  fingerprint,
  startedAt,
})
const asked = (at: number, about: RefreshQuestion, state: RefreshState<unknown> = initialRefreshState) =>
  reduceRefresh<unknown>(state, { type: 'requested', at, question: about })
const error = (transient: boolean) => ({ code: 'network', transient, message: 'No answer.' })
const failed = (at: number, about: RefreshQuestion, state: RefreshState<unknown>, transient = true) =>
  reduceRefresh<unknown>(state, { type: 'failed', at, asOf: at, question: about, error: error(transient) })
const answered = (at: number, about: RefreshQuestion, state: RefreshState<unknown> = initialRefreshState) =>
  reduceRefresh<unknown>(state, { type: 'succeeded', at, asOf: at, question: about, summary: {} })

describe('under which question a run reports', () => {
  const first = question(1, 'one')
  const beyondMs = now + 10 * minute

  test('the same one, until what was reported lies too far ahead to be believed', () => {
    const anew = question(2, 'one')
    const before = asked(now - 5, first)
    expect(questionOfRun(before, of('one'), beyondMs)).toEqual(first)
    expect(questionOfRun(asked(beyondMs - 1, first), of('one'), beyondMs)).toEqual(first)
    expect(questionOfRun(asked(beyondMs, first), of('one'), beyondMs)).toEqual(anew)
    expect(questionOfRun(asked(beyondMs, first), of('one'), Infinity)).toEqual(first)
    // A failure hides as much as a request; a success hides nothing.
    expect(questionOfRun(failed(beyondMs - 1, first, before), of('one'), beyondMs)).toEqual(first)
    expect(questionOfRun(failed(beyondMs, first, before), of('one'), beyondMs)).toEqual(anew)
    expect(questionOfRun(failed(beyondMs, first, initialRefreshState), of('one'), beyondMs)).toEqual(anew)
    expect(questionOfRun(answered(beyondMs, first), of('one'), beyondMs)).toEqual(first)
  })

  test('a new one where another question was asked in between', () => {
    const other = asked(now, question(2, 'other'), answered(now - 1, first))
    expect(refreshQuestion(other, of('other'))).toEqual(question(2, 'other'))
    expect(refreshQuestion(other, of('one'))).toEqual(question(3, 'one'))
    // A host that does not say what it asks means what was asked last.
    expect(refreshQuestion(other, { startedAt, endedAt: null })).toEqual(question(2, 'other'))
    expect(refreshQuestion(initialRefreshState, { startedAt, endedAt: null })).toEqual(question(1, null))
  })
})

describe('a host that tries again has waited already', () => {
  const one = question(1, 'one')
  const after = (attempt: number, state: RefreshState<unknown>) =>
    decisionOfTry(attempt, state, of('one'), now, {}).type

  test('so it is not throttled after a failure that passes, and only then', () => {
    const request = asked(now - minute, one)
    const passes = failed(now - minute, one, request)
    expect([after(0, passes), after(1, passes), after(2, passes)]).toEqual(['throttled', 'due', 'due'])
    expect(after(1, failed(now - minute, one, request, false))).toBe('throttled')
    // A success has answered the request, or a later request is another host's.
    expect(after(1, answered(now - minute, one, request))).toBe('throttled')
    const later = asked(now - 2, one, failed(now - minute, one, request))
    expect(after(1, answered(now - 2, one, later))).toBe('throttled')
    // The failure of an earlier request, which became known after this one was answered.
    const stale = { ...later, failure: passes.failure } as RefreshState<unknown>
    expect(decisionOfTry(1, stale, of('one'), now, { presumedLostAfterMs: 1 }).type).toBe('throttled')
  })
})

test('a fourth question waits until the first of the three others is no longer recent', () => {
  const three = [4, 1, 3].reduce(
    (state, minutes, place) => asked(now - minutes * minute, question(place + 1, `q${place}`), state),
    initialRefreshState as RefreshState<unknown>,
  )
  expect(refreshDecision(three, of('another'), now)).toEqual({ type: 'throttled', retryAfterMs: minute })
})

test('a request of before 1970 is known beside a report of the same question that knows of none', () => {
  const [one, other] = [asked(-5, question(1, 'one')), answered(-9, question(1, 'one'))]
  expect(mergeRefreshStates(one, other).requestedAt).toBe(-5)
  expect(mergeRefreshStates(other, one).requestedAt).toBe(-5)
})

describe('an answer to another question', () => {
  test('has its window, unless its end is not after its start', () => {
    const formerOf = (state: RefreshState<unknown>) => {
      const status = refreshStatus(state, of('other'), now)
      return 'former' in status ? status.former : undefined
    }
    const window = (asOfMs: number) => ({ startMs: startedAt, asOfMs })
    expect(formerOf(answered(startedAt + 1, question(1, 'one')))?.window).toEqual(window(startedAt + 1))
    for (const at of [startedAt, startedAt - 1]) {
      const former = formerOf(answered(at, question(1, 'one')))
      expect(former?.success.asOf).toBe(at)
      expect(Object.keys(former ?? {})).toEqual(['success'])
    }
  })
})

describe('what is stored of a question', () => {
  test.each([
    ['of one', asked(now, question(1, 'one')), 2],
    ['of two', asked(now, question(2, 'other'), asked(now - 1, question(1, 'one'))), 2],
    // A host of 0.1 asked, after a host of 0.2 had.
    ['of one, and of none', reduceRefresh(asked(now, question(1, 'one')), { type: 'requested', at: now }), 2],
    ['of none', reduceRefresh(initialRefreshState, { type: 'requested', at: now }), 1],
  ])('%s', (_, state, version) => {
    const text = encodeRefreshState(state as never)
    expect(JSON.parse(text)).toMatchObject({ version })
    expect(encodeRefreshState(decodeRefreshState(text))).toBe(text)
  })

  test('what is wrong with it is named', () => {
    const about = { ...question(1, 'one'), revision: 0 }
    expect(refusalOf(() => asked(now, about))).toMatchObject({ details: { path: 'event.question.revision' } })
    expect(refusalOf(() => refreshQuestion(initialRefreshState, of('not one')))).toEqual(
      refused(
        'invalid-policy',
        'experiment.fingerprint',
        '"not one"',
        'Pass what exposureFingerprint returned: 1 to 64 ASCII letters, digits, _ . : and -.',
      ),
    )
  })
})
