import { describe, expect, test } from 'vitest'
import {
  initialRefreshState,
  refreshDecision,
  refreshStatus,
  type RefreshExperiment,
  type QuestionState,
  type RefreshFailure,
  type RefreshPolicy,
  type RefreshQuestion,
  type RefreshState,
  type RefreshSuccess,
} from 'first-exposure'
import { runs } from '../arbitraries/runs.js'
import { documentedRows } from './documented-rows.js'

const minute = 60_000
const hour = 60 * minute
const start = Date.UTC(2026, 5, 1)
const end = start + 14 * 24 * hour
const running: RefreshExperiment = { startedAt: start, endedAt: null }
const ended: RefreshExperiment = { startedAt: start, endedAt: end }

const success = (asOf: number, at: number): RefreshSuccess<string> => ({ asOf, at, summary: 'summary' })
const failure = (asOf: number, at: number): RefreshFailure => ({
  asOf,
  at,
  error: { code: 'network', transient: true, message: 'ClickHouse could not be reached.' },
})
const state = (parts: Partial<RefreshState<string>>): RefreshState<string> => ({
  ...initialRefreshState,
  ...parts,
})

const reaches = (asOf: number, { endedAt }: RefreshExperiment): boolean => endedAt !== null && asOf >= endedAt

describe('refreshDecision', () => {
  const now = start + 24 * hour

  test('is due where nothing was ever requested', () => {
    expect(refreshDecision(initialRefreshState, running, now)).toStrictEqual({ type: 'due' })
  })

  test.each([
    [start - 1, 'not-started'],
    [start, 'not-started'],
    [start + 1, 'due'],
  ])('starts with the first millisecond that there is to compute (%d)', (now, type) => {
    expect(refreshDecision(initialRefreshState, running, now).type).toBe(type)
  })

  test('an experiment that was called off before its start never starts', () => {
    for (const endedAt of [start - hour, start]) {
      expect(refreshDecision(initialRefreshState, { startedAt: start, endedAt }, start + hour).type).toBe(
        'not-started',
      )
    }
    expect(refreshDecision(initialRefreshState, { startedAt: start, endedAt: start + 1 }, now).type).toBe(
      'due',
    )
  })

  test.each([
    [0, 'in-flight'],
    [10 * minute - 1, 'in-flight'],
    [10 * minute, 'due'],
    [-10 * minute + 1, 'in-flight'],
    [-10 * minute, 'due'],
  ])('a request without an outcome, %d ms ago', (ago, type) => {
    expect(refreshDecision(state({ requestedAt: now - ago }), running, now).type).toBe(type)
  })

  test.each([
    [0, 5 * minute],
    [1, 5 * minute - 1],
    [5 * minute - 1, 1],
    [5 * minute, null],
    // Requests that a host whose clock is ahead has made and answered.
    [-1, 5 * minute],
    [-5 * minute + 1, 5 * minute],
    [-5 * minute, null],
  ])('a request with an outcome, %d ms ago, leaves %s ms to wait', (ago, retryAfterMs) => {
    const requestedAt = now - ago
    for (const outcome of [
      { success: success(requestedAt, requestedAt) },
      { failure: failure(requestedAt, requestedAt) },
    ]) {
      expect(refreshDecision(state({ requestedAt, ...outcome }), running, now)).toStrictEqual(
        retryAfterMs === null ? { type: 'due' } : { type: 'throttled', retryAfterMs },
      )
    }
  })

  test.each([
    ['made at the request', running, 0, 0, true],
    ['made a millisecond before it', running, 0, -1, false],
    ['of a window a millisecond shorter: an older run, and slow', running, -1, minute, false],
    ['of an older run, made long after', running, -20 * minute, 0, false],
    ['of a later window', running, 5, 5, true],
    [
      'of all the experiment, which ended before the request',
      { startedAt: start, endedAt: now - minute },
      -minute,
      0,
      true,
    ],
    ['of all but a millisecond of it', { startedAt: start, endedAt: now - minute }, -minute - 1, 0, false],
  ])('a request is answered by an outcome %s', (_, experiment, asOf, at, answered) => {
    for (const outcome of [
      { success: success(now + asOf, now + at) },
      { failure: failure(now + asOf, now + at) },
    ]) {
      const it = state({ requestedAt: now, ...outcome })
      const expected = answered ? 'throttled' : 'in-flight'
      expect(refreshDecision(it, experiment, now + minute).type).toBe(expected)
      expect(refreshStatus(it, experiment, now + minute).type === 'refreshing').toBe(!answered)
    }
  })

  test.each([
    [end, end + hour, 'final'],
    [end, end + hour - 1, 'due'],
    [end - 1, end + hour, 'due'],
    [end + 1, end + hour + 1, 'final'],
  ])('a success of the window to %d, made at %d', (asOf, at, type) => {
    const it = state({ success: success(asOf, at) })
    expect(refreshDecision(it, ended, end + 2 * hour).type).toBe(type)
    expect(refreshStatus(it, ended, end + 2 * hour).type).toBe(type === 'final' ? 'final' : 'loaded')
    expect(refreshDecision(it, running, end + 2 * hour).type).toBe('due')
    expect(refreshStatus(it, running, end + 2 * hour).type).toBe('loaded')
  })

  test('without a settle time, the first refresh after the end is final', () => {
    const policy = { settleMs: 0 }
    expect(refreshDecision(state({ success: success(end, end) }), ended, end, policy).type).toBe('final')
    expect(refreshDecision(state({ success: success(end, end - 1) }), ended, end, policy).type).toBe('due')
    expect(refreshDecision(state({ success: success(end - 1, end) }), ended, end, policy).type).toBe('due')
  })

  test('what is final stays so: no request or failure makes it refresh again', () => {
    const at = end + 3 * hour
    const it = state({ requestedAt: at, success: success(end, end + hour), failure: failure(end, at) })
    expect(refreshDecision(it, ended, at)).toStrictEqual({ type: 'final' })
    expect(refreshStatus(it, ended, at)).toStrictEqual({ type: 'final', success: it.success })
  })

  test('the policy’s own durations decide', () => {
    const policy = { throttleMs: 10, presumedLostAfterMs: 20 }
    const requested = state({ requestedAt: now })
    const answered = state({ requestedAt: now, success: success(now, now) })
    expect(refreshDecision(requested, running, now + 19, policy).type).toBe('in-flight')
    expect(refreshDecision(requested, running, now + 20, policy).type).toBe('due')
    expect(refreshDecision(answered, running, now + 9, policy)).toStrictEqual({
      type: 'throttled',
      retryAfterMs: 1,
    })
    expect(refreshDecision(answered, running, now + 10, policy).type).toBe('due')
    // A lost run still keeps the distance between two requests, where that is longer.
    expect(refreshDecision(requested, running, now + 20, { ...policy, throttleMs: 30 })).toStrictEqual({
      type: 'throttled',
      retryAfterMs: 10,
    })
    expect(refreshDecision(requested, running, now, { throttleMs: 0, presumedLostAfterMs: 0 }).type).toBe(
      'due',
    )
  })
})

describe('refreshStatus', () => {
  const now = start + 24 * hour
  const good = success(now - hour, now - hour)
  const bad = failure(now - minute, now - minute)

  test('carries what a panel needs', () => {
    expect(refreshStatus(initialRefreshState, running, now)).toStrictEqual({ type: 'empty' })
    expect(refreshStatus(state({ failure: bad }), running, now)).toStrictEqual({
      type: 'failed',
      failure: bad,
    })
    expect(refreshStatus(state({ success: good }), running, now)).toStrictEqual({
      type: 'loaded',
      success: good,
    })
    expect(refreshStatus(state({ success: good, failure: bad }), running, now)).toStrictEqual({
      type: 'stale',
      success: good,
      failure: bad,
    })
    expect(
      refreshStatus(state({ requestedAt: now, success: good, failure: bad }), running, now),
    ).toStrictEqual({ type: 'refreshing', requestedAt: now, success: good, failure: bad })
  })

  test.each([
    [{}, 'empty'],
    [{ success: good }, 'loaded'],
    [{ failure: bad }, 'failed'],
    [{ success: good, failure: bad }, 'stale'],
  ])('a lost run is refreshing for ten minutes and not a millisecond longer', (outcomes, type) => {
    const requested = state({ requestedAt: now, ...outcomes })
    expect(refreshStatus(requested, running, now + 10 * minute - 1).type).toBe('refreshing')
    expect(refreshStatus(requested, running, now + 10 * minute).type).toBe(type)
  })
})

describe('misuse', () => {
  const both = [refreshDecision, refreshStatus]

  test.each([NaN, Infinity, 1.5, 8.64e15 + 1])('what is not an instant: %d', (instant) => {
    const refusal = expect.objectContaining({ code: 'invalid-instant' })
    for (const ask of both) {
      expect(() => ask(initialRefreshState, running, instant)).toThrow(refusal)
      expect(() => ask(initialRefreshState, { startedAt: instant, endedAt: null }, start)).toThrow(refusal)
      expect(() => ask(initialRefreshState, { startedAt: start, endedAt: instant }, start)).toThrow(refusal)
    }
    const { startedAt } = running
    expect(() => refreshDecision(initialRefreshState, { startedAt } as RefreshExperiment, start)).toThrow(
      refusal,
    )
  })

  test.each(['throttleMs', 'presumedLostAfterMs', 'settleMs'])(
    'a duration that is not usable: %s',
    (field) => {
      for (const duration of [-1, NaN, Infinity, 0.5, '5']) {
        const policy = { [field]: duration } as Partial<RefreshPolicy>
        for (const ask of both) {
          expect(() => ask(initialRefreshState, running, start, policy)).toThrow(
            expect.objectContaining({
              code: 'invalid-policy',
              details: expect.objectContaining({ path: `policy.${field}` }),
            }),
          )
        }
      }
    },
  )

  test('an unknown duration', () => {
    const policy = { cooldownMs: 5 } as Partial<RefreshPolicy>
    for (const ask of both) {
      expect(() => ask(initialRefreshState, running, start, policy)).toThrow(
        expect.objectContaining({
          code: 'invalid-policy',
          message:
            'Unknown field policy.cooldownMs. The fields are throttleMs, presumedLostAfterMs, settleMs.',
        }),
      )
    }
  })
})

describe('the documented tables', () => {
  // Small durations, so that every instant that matters and both its neighbours fit into one exhaustive grid.
  const policy: RefreshPolicy = { throttleMs: 3, presumedLostAfterMs: 6, settleMs: 4 }
  const experiments: readonly RefreshExperiment[] = [
    { startedAt: 2, endedAt: null },
    { startedAt: 2, endedAt: 8 },
    { startedAt: 2, endedAt: 2 },
  ]
  interface Case {
    readonly state: RefreshState<string>
    readonly experiment: RefreshExperiment
    readonly now: number
  }

  type Question = QuestionState<string>
  const all = ({ state }: Case): readonly Question[] =>
    [state, ...(state.earlier ?? [])].filter((each) => each.requestedAt ?? each.success ?? each.failure)
  const asksTheSame =
    ({ state, experiment }: Case) =>
    ({ question }: Question): boolean =>
      'fingerprint' in experiment
        ? question?.fingerprint === experiment.fingerprint && question.startedAt === experiment.startedAt
        : question?.fingerprint === state.question?.fingerprint &&
          (question === undefined || question.startedAt === experiment.startedAt)
  const reachesBeyond =
    ({ experiment: { endedAt } }: Case) =>
    ({ question, success, failure }: Question): boolean =>
      question !== undefined &&
      endedAt !== null &&
      [success, failure].some((run) => run !== null && run.asOf > endedAt)
  /** The reports about this question; of those before it was asked anew, none that is too far ahead of now. */
  const own = (it: Case): readonly Question[] =>
    all(it)
      .filter(asksTheSame(it))
      .filter((each) => !reachesBeyond(it)(each))
      .map((each, index) => (index === 0 ? each : withoutFarAhead(each, it.now)))
  const withoutFarAhead = (each: Question, now: number): Question => {
    const isFar = (at = -Infinity): boolean =>
      at - now >= policy.throttleMs && at - now >= policy.presumedLostAfterMs
    return {
      ...each,
      ...(isFar(each.requestedAt ?? undefined) ? { requestedAt: null } : {}),
      ...(isFar(each.failure?.at) ? { failure: null } : {}),
    }
  }
  const last = <Run extends { asOf: number; at: number }>(runs: readonly (Run | null)[]): Run | null =>
    runs
      .filter((run) => run !== null)
      .sort((a, b) => a.asOf - b.asOf || a.at - b.at)
      .at(-1) ?? null
  const successOf = (each: readonly Question[]): RefreshSuccess<string> | null =>
    last(each.map(({ success }) => success))
  const failureOf = (each: readonly Question[]): RefreshFailure | null => {
    const [good, bad] = [successOf(each), last(each.map(({ failure }) => failure))]
    return bad !== null && (good === null || last([bad, good]) === bad) ? bad : null
  }
  const requestOf = (each: readonly Question[]): number =>
    Math.max(...each.map(({ requestedAt }) => requestedAt ?? -Infinity))
  const isNear = (requestedAt: number, now: number, distance: number): boolean =>
    Math.abs(now - requestedAt) < distance

  const unanswered = (it: Case): boolean => {
    const { state, experiment, now } = it
    // What does not say what it is about may be about this, while nothing else was asked.
    const about = own(it).length === 0 && state.question === undefined ? [state] : own(it)
    const requestedAt = requestOf(about)
    for (const run of [successOf(about), failureOf(about)]) {
      if (run === null || run.at < requestedAt) continue
      if (run.asOf >= requestedAt || reaches(run.asOf, experiment)) return false
      if (about[0]?.question !== undefined && run.at === requestedAt) return false
    }
    return isNear(requestedAt, now, policy.presumedLostAfterMs)
  }
  const final = (it: Case): boolean => {
    const { state, experiment } = it
    const success = successOf(own(it))
    return (
      success !== null &&
      experiment.endedAt !== null &&
      reaches(success.asOf, experiment) &&
      success.at >= experiment.endedAt + policy.settleMs &&
      success === state.success
    )
  }
  const unknown = (it: Case): boolean => all(it).length > 0 && own(it).length === 0

  /** The words of the tables, each as a plain reading of it. */
  const conditions: Readonly<Record<string, (it: Case) => boolean>> = {
    'the window from `startedAt` to the earlier of `now` and `endedAt` is empty': ({ experiment, now }) =>
      now <= experiment.startedAt ||
      (experiment.endedAt !== null && experiment.endedAt <= experiment.startedAt),
    'the success reaches `endedAt` and was made at `endedAt + settleMs` or later, and no other question was asked since':
      final,
    'no outcome answers the latest request, less than `presumedLostAfterMs` from `now`': unanswered,
    'the latest request is less than `throttleMs` from `now`': (it) =>
      isNear(requestOf(own(it)), it.now, policy.throttleMs),
    'nothing is known of this question, and three others were requested less than `throttleMs` from `now`': (
      it,
    ) =>
      unknown(it) &&
      all(it).filter((each) => isNear(requestOf([each]), it.now, policy.throttleMs)).length >= 3,
    'nothing is known of this question: its fingerprint or `startedAt` has changed, or 0.1 stored what is known':
      (it) => unknown(it) && !all(it).some(asksTheSame(it)),
    'nothing is known of this question: `endedAt` has moved to before the end of what was computed': (it) =>
      unknown(it) && all(it).some((each) => asksTheSame(it)(each) && reachesBeyond(it)(each)),
    'the success ends before `endedAt`, which may have moved to after it': (it) => {
      const success = successOf(own(it))
      return success !== null && success.asOf < (it.experiment.endedAt ?? -Infinity)
    },
    'there is a success, and a newer run failed': (it) =>
      successOf(own(it)) !== null && failureOf(own(it)) !== null,
    'there is no success, and a run failed': (it) =>
      successOf(own(it)) === null && failureOf(own(it)) !== null,
    'there is a success': (it) => successOf(own(it)) !== null,
    'there is only an answer to another question': (it) =>
      successOf(own(it)) === null && successOf(all(it)) !== null,
    otherwise: () => true,
  }

  const ended = [3, 7, 8, 9].flatMap((asOf) => [asOf, 9, 11, 12, 13].map((at) => [asOf, at] as const))
  const states = [null, 5, 9, 12].flatMap((requestedAt) =>
    [null, ...ended].flatMap((good) =>
      [null, ...ended]
        .filter(
          (bad) =>
            bad === null || good === null || bad[0] > good[0] || (bad[0] === good[0] && bad[1] > good[1]),
        )
        .map((bad) =>
          state({
            requestedAt,
            success: good === null ? null : success(...good),
            failure: bad === null ? null : failure(...bad),
          }),
        ),
    ),
  )
  const of = (revision: number, fingerprint: string, startedAt = 2): RefreshQuestion => ({
    revision,
    fingerprint,
    startedAt,
  })
  // What may stand beside a question: nothing but a request, and what came of it, short of an end of 8 and beyond it.
  const reports: readonly Question[] = [
    { requestedAt: 7, success: null, failure: null },
    { requestedAt: 9, success: success(7, 7), failure: null },
    { requestedAt: 12, success: success(8, 12), failure: null },
    { requestedAt: 12, success: success(12, 12), failure: null },
    { requestedAt: 12, success: null, failure: failure(8, 12) },
    { requestedAt: 12, success: success(7, 7), failure: failure(12, 12) },
  ]
  const asked: readonly RefreshExperiment[] = [
    { startedAt: 2, endedAt: null },
    ...[null, 8, 12].flatMap((endedAt) =>
      ['a', 'b'].map((fingerprint) => ({ startedAt: 2, endedAt, fingerprint })),
    ),
    { startedAt: 3, endedAt: 8, fingerprint: 'a' },
    { startedAt: 3, endedAt: 8 },
  ]
  const askedStates: readonly RefreshState<string>[] = [
    ...states.filter((_, index) => index % 7 === 0),
    ...reports.flatMap((one) => [
      { ...one, question: of(1, 'a') },
      ...reports.flatMap((other): RefreshState<string>[] => [
        { ...one, question: of(2, 'b'), earlier: [{ ...other, question: of(1, 'a') }] },
        // Asked again, after its end had moved or another question had been asked.
        { ...one, question: of(2, 'a'), earlier: [{ ...other, question: of(1, 'a') }] },
        { ...one, question: of(1, 'b'), earlier: [other] },
        {
          ...one,
          question: of(4, 'c'),
          earlier: [
            { ...other, question: of(3, 'd') },
            { ...one, question: of(2, 'e') },
            { ...initialRefreshState, success: success(6, 6), question: of(1, 'a') },
          ].slice(0, one.success === null && other.success === null ? 3 : 2),
        },
      ]),
    ]),
  ]
  const times = Array.from({ length: 22 }, (_, now) => now)
  // Fewer for mutants, which are many. The step shares no factor with the number of times.
  const step = runs(1000) < 1000 ? 13 : 1
  const cases: readonly Case[] = [
    ...experiments.flatMap((experiment) =>
      states.flatMap((state) => times.map((now) => ({ state, experiment, now }))),
    ),
    ...asked.flatMap((experiment) =>
      askedStates.flatMap((state) => times.map((now) => ({ state, experiment, now }))),
    ),
  ].filter((_, index) => index % step === 0)

  test.each([
    [
      'refresh-decision.ts',
      ['not-started', 'final', 'in-flight', 'throttled', 'throttled', 'due', 'due', 'due', 'due'],
      refreshDecision,
    ],
    [
      'refresh-status.ts',
      ['final', 'refreshing', 'stale', 'failed', 'loaded', 'outdated', 'empty'],
      refreshStatus,
    ],
  ] as const)('the first row of %s that holds is what the code says', (file, results, ask) => {
    const rows = documentedRows(file)
    expect(rows.map(({ result }) => result)).toStrictEqual(results)
    expect(Object.keys(conditions)).toEqual(expect.arrayContaining(rows.map(({ when }) => when)))
    const seen = new Set<string>()
    const wrong = cases.filter((it) => {
      const row = rows.find(({ when }) => conditions[when]?.(it))
      seen.add(row?.when ?? '')
      return ask(it.state, it.experiment, it.now, policy).type !== row?.result
    })
    expect(wrong).toStrictEqual([])
    // Every row is what decides somewhere.
    expect([...seen].sort()).toStrictEqual(rows.map(({ when }) => when).sort())
  })

  test('a success is shown as the answer to its own question only, and every other one as a former one', () => {
    const wrong = cases.filter((it) => {
      const status = refreshStatus(it.state, it.experiment, it.now, policy)
      const shown = 'success' in status ? status.success : null
      const former = 'former' in status ? status.former : undefined
      const expected = successOf(own(it))
      const old = all(it).find(({ success }) => success !== null)
      if (shown !== expected && JSON.stringify(shown) !== JSON.stringify(expected)) return true
      if (shown !== null || old === undefined) return former !== undefined
      return former?.success !== old.success || former?.window?.startMs !== old.question?.startedAt
    })
    expect(wrong).toStrictEqual([])
  })

  test('the window that goes with a success is always one of its own start, whatever the experiment says now', () => {
    const wrong = cases.filter((it) => {
      const status = refreshStatus(it.state, it.experiment, it.now, policy)
      if (!('success' in status) || status.success === null) return 'window' in status
      const { startedAt } = it.experiment
      return it.state.question === undefined
        ? status.window !== undefined
        : status.window?.startMs !== startedAt || status.window.asOfMs !== status.success.asOf
    })
    expect(wrong).toStrictEqual([])
  })

  test('a decision in flight is a status of refreshing, one that is final a status of final', () => {
    const wrong = cases.filter(({ state, experiment, now }) => {
      const decision = refreshDecision(state, experiment, now, policy).type
      const status = refreshStatus(state, experiment, now, policy).type
      return (
        decision !== 'not-started' &&
        ((decision === 'in-flight') !== (status === 'refreshing') ||
          (decision === 'final') !== (status === 'final'))
      )
    })
    expect(wrong).toStrictEqual([])
  })

  test('the wait is 1 to throttleMs, and nobody is held up longer than the patience on either side of a request', () => {
    const longestMs = Math.max(policy.throttleMs, policy.presumedLostAfterMs)
    const wrong = cases.filter(({ state, experiment, now }) => {
      const decision = refreshDecision(state, experiment, now, policy)
      if (decision.type !== 'throttled' && decision.type !== 'in-flight') return false
      const requests = [state, ...(state.earlier ?? [])].map((each) => each.requestedAt ?? Infinity)
      if (requests.every((requestedAt) => Math.abs(now - requestedAt) >= longestMs)) return true
      return (
        decision.type === 'throttled' &&
        !(decision.retryAfterMs >= 1 && decision.retryAfterMs <= policy.throttleMs)
      )
    })
    expect(wrong).toStrictEqual([])
  })
})
