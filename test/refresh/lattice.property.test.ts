import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeRefreshState,
  initialRefreshState,
  mergeRefreshStates,
  reduceRefresh,
  type QuestionState,
  type RefreshEvent,
  type RefreshQuestion,
  type RefreshState,
} from 'first-exposure'
import { refreshEvent, refreshEvents } from '../arbitraries/refresh-event.js'
import { runs } from '../arbitraries/runs.js'

const numRuns = runs(300)

const reduced = (events: readonly RefreshEvent[]): RefreshState =>
  events.reduce<RefreshState>((state, event) => reduceRefresh(state, event), initialRefreshState)

/** JSON with sorted keys, by another way than the library's. */
const sortedJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const keys = Object.keys(value)
  const arrayLike = keys.filter((key) => /^(0|[1-9]\d*)$/.test(key) && Number(key) < 2 ** 32 - 1)
  const ordered = [
    ...arrayLike.sort((a, b) => Number(a) - Number(b)),
    ...keys.filter((key) => !arrayLike.includes(key)).sort(),
  ]
  return `{${ordered.map((key) => `${JSON.stringify(key)}:${sortedJson(Reflect.get(value, key))}`).join()}}`
}

const last = <Run extends { asOf: number; at: number }>(runs: Run[], content: (run: Run) => unknown) =>
  runs
    .sort(
      (a, b) => a.asOf - b.asOf || a.at - b.at || (sortedJson(content(a)) < sortedJson(content(b)) ? -1 : 1),
    )
    .at(-1) ?? null

/** What the design says of one question, in a few lines: sort everything that was reported and take the last. */
const ofOneQuestion = (events: readonly RefreshEvent[]): QuestionState => {
  const requests = events.filter((event) => event.type === 'requested').map(({ at }) => at)
  const success = last(
    events
      .filter((event) => event.type === 'succeeded')
      .map(({ asOf, at, summary }) => ({ asOf, at, summary })),
    ({ summary }) => summary,
  )
  const failure = last(
    events.filter((event) => event.type === 'failed').map(({ asOf, at, error }) => ({ asOf, at, error })),
    ({ error }) => error,
  )
  const shows =
    failure !== null &&
    (success === null ||
      failure.asOf > success.asOf ||
      (failure.asOf === success.asOf && failure.at > success.at))
  const question = events[0]?.question
  return {
    ...(question === undefined ? {} : { question }),
    requestedAt: requests.length === 0 ? null : Math.max(...requests),
    success,
    failure: shows ? failure : null,
  }
}

/** A text for each question, in their order. */
const orderOf = ({ question }: { readonly question?: RefreshQuestion }): string =>
  question === undefined
    ? ''
    : `${String(question.revision).padStart(4, '0')} ${question.fingerprint ?? ''} ${question.startedAt}`

/** And of all: the three questions that were asked last, and the last success before them where these have none. */
const model = (events: readonly RefreshEvent[]): RefreshState => {
  const questions = [...new Set(events.map(orderOf))]
    .sort()
    .toReversed()
    .map((order) => ofOneQuestion(events.filter((event) => orderOf(event) === order)))
  const [latest = initialRefreshState, ...earlier] = questions.slice(0, 3)
  const shown = questions.find(({ success }) => success !== null)
  if (shown !== undefined && questions.indexOf(shown) >= 3) {
    earlier.push({ ...shown, requestedAt: null, failure: null })
  }
  return { ...latest, ...(earlier.length === 0 ? {} : { earlier }) }
}

const shuffled = (events: readonly RefreshEvent[]): fc.Arbitrary<RefreshEvent[]> =>
  fc.shuffledSubarray([...events], { minLength: events.length })

/** The same data with the keys of every object the other way round. */
const upsideDown = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(upsideDown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, upsideDown(item)]),
  )
}

const report = (summary: unknown): RefreshEvent<unknown> => ({ type: 'succeeded', asOf: 1, at: 2, summary })

describe('the refresh state is a lattice', () => {
  test('the state is the greatest of what was reported', () => {
    fc.assert(
      fc.property(refreshEvents(), (events) => {
        expect(sortedJson(reduced(events))).toBe(sortedJson(model(events)))
      }),
      { numRuns },
    )
  })

  test('any order of arrival ends in the same stored bytes', () => {
    fc.assert(
      fc.property(
        refreshEvents().chain((events) => fc.tuple(fc.constant(events), shuffled(events))),
        ([events, arrived]) => {
          expect(encodeRefreshState(reduced(arrived))).toBe(encodeRefreshState(reduced(events)))
        },
      ),
      { numRuns },
    )
  })

  test('an event that arrives again changes nothing, by reference', () => {
    fc.assert(
      fc.property(refreshEvents(), (events) => {
        const state = reduced(events)
        for (const event of events) expect(reduceRefresh(state, event)).toBe(state)
      }),
      { numRuns },
    )
  })

  test('an event returns the same state, by reference, exactly where the stored bytes stay the same', () => {
    fc.assert(
      fc.property(refreshEvents(), refreshEvent(), (events, event) => {
        const before = reduced(events)
        const after = reduceRefresh(before, event)
        expect(after === before).toBe(encodeRefreshState(after) === encodeRefreshState(before))
      }),
      { numRuns },
    )
  })

  test('merging is commutative', () => {
    fc.assert(
      fc.property(refreshEvents(), refreshEvents(), (some, others) => {
        const [a, b] = [reduced(some), reduced(others)]
        expect(mergeRefreshStates(a, b)).toStrictEqual(mergeRefreshStates(b, a))
      }),
      { numRuns },
    )
  })

  test('merging is associative', () => {
    fc.assert(
      fc.property(refreshEvents(), refreshEvents(), refreshEvents(), (some, others, more) => {
        const [a, b, c] = [reduced(some), reduced(others), reduced(more)]
        expect(mergeRefreshStates(mergeRefreshStates(a, b), c)).toStrictEqual(
          mergeRefreshStates(a, mergeRefreshStates(b, c)),
        )
      }),
      { numRuns },
    )
  })

  test('merging is idempotent, by reference, and the initial state adds nothing', () => {
    fc.assert(
      fc.property(refreshEvents(), refreshEvents(), (some, others) => {
        const [a, b] = [reduced(some), reduced(others)]
        const both = mergeRefreshStates(a, b)
        expect(mergeRefreshStates(a, a)).toBe(a)
        expect(mergeRefreshStates(both, a)).toBe(both)
        expect(mergeRefreshStates(both, b)).toBe(both)
        expect(mergeRefreshStates(initialRefreshState as RefreshState, a)).toStrictEqual(a)
        expect(mergeRefreshStates(a, initialRefreshState as RefreshState)).toBe(a)
      }),
      { numRuns },
    )
  })

  test('merging two hosts equals reducing the events of both, whichever host saw which, some seen by both', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(refreshEvent(), fc.constantFrom('here', 'there', 'both')), { maxLength: 16 }),
        (reports) => {
          const seenBy = (host: string): RefreshEvent[] =>
            reports.filter(([, where]) => where === host || where === 'both').map(([event]) => event)
          expect(mergeRefreshStates(reduced(seenBy('here')), reduced(seenBy('there')))).toStrictEqual(
            reduced(reports.map(([event]) => event)),
          )
        },
      ),
      { numRuns },
    )
  })

  test('hosts that merge now and then, and go on, end alike', () => {
    const step = fc.oneof(
      fc.record({ host: fc.nat({ max: 2 }), event: refreshEvent() }),
      fc.record({ host: fc.nat({ max: 2 }), from: fc.nat({ max: 2 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 16 }), (steps) => {
        const hosts: RefreshState[] = [initialRefreshState, initialRefreshState, initialRefreshState]
        const stateOf = (host: number): RefreshState => hosts[host] ?? initialRefreshState
        for (const it of steps) {
          hosts[it.host] =
            'event' in it
              ? reduceRefresh(stateOf(it.host), it.event)
              : mergeRefreshStates(stateOf(it.host), stateOf(it.from))
        }
        const events = steps.flatMap((it) => ('event' in it ? [it.event] : []))
        expect(hosts.reduce((a, b) => mergeRefreshStates(a, b))).toStrictEqual(reduced(events))
      }),
      { numRuns },
    )
  })

  test('the latest question never moves backwards, nor do its asOf and its latest request', () => {
    fc.assert(
      fc.property(refreshEvents(), refreshEvents(), (events, others) => {
        let state: RefreshState = initialRefreshState
        const other = reduced(others)
        for (const event of events) {
          const next = reduceRefresh(state, event)
          for (const later of [next, mergeRefreshStates(state, other), mergeRefreshStates(other, state)]) {
            expect(orderOf(later) >= orderOf(state)).toBe(true)
            if (orderOf(later) !== orderOf(state)) continue
            expect(later.success?.asOf ?? -Infinity).toBeGreaterThanOrEqual(state.success?.asOf ?? -Infinity)
            expect(later.requestedAt ?? -Infinity).toBeGreaterThanOrEqual(state.requestedAt ?? -Infinity)
          }
          state = next
        }
      }),
      { numRuns },
    )
  })

  test('a summary is never lost: only one of a later question, or with an asOf as late, replaces it', () => {
    // The last answer that there is, whatever it is about.
    const answer = (state: RefreshState): QuestionState | undefined =>
      [state, ...(state.earlier ?? [])].find(({ success }) => success !== null)
    fc.assert(
      fc.property(refreshEvents(), refreshEvent(), (events, event) => {
        const before = answer(reduced(events))
        const after = answer(reduceRefresh(reduced(events), event))
        if (event.type !== 'succeeded') {
          expect(after?.success).toStrictEqual(before?.success)
          return
        }
        const replaces =
          before?.success == null ||
          orderOf(event) > orderOf(before) ||
          (orderOf(event) === orderOf(before) && event.asOf >= before.success.asOf)
        if (!replaces) expect(after?.success).toStrictEqual(before?.success)
        else expect([event.summary, before?.success?.summary]).toContainEqual(after?.success?.summary)
      }),
      { numRuns },
    )
  })

  test('a success clears the failures of its question up to its own (asOf, at), and no other', () => {
    fc.assert(
      fc.property(refreshEvents(), (events) => {
        const state = reduced(events)
        const { success, failure } = state
        const uncleared = events.filter(
          (event) =>
            event.type === 'failed' &&
            orderOf(event) === orderOf(state) &&
            (success === null ||
              event.asOf > success.asOf ||
              (event.asOf === success.asOf && event.at > success.at)),
        )
        expect(failure === null).toBe(uncleared.length === 0)
        expect(failure === null || uncleared.some(({ at }) => at === failure.at)).toBe(true)
      }),
      { numRuns },
    )
  })

  test('nothing is mixed: what stands beside a question was reported about it', () => {
    fc.assert(
      fc.property(refreshEvents(), (events) => {
        const state = reduced(events)
        for (const each of [state, ...(state.earlier ?? [])]) {
          const own = events.filter((event) => orderOf(event) === orderOf(each))
          for (const [type, run] of [
            ['succeeded', each.success],
            ['failed', each.failure],
          ] as const) {
            const reports = own.filter((event) => event.type === type).map((event) => sortedJson(event))
            const { question } = each
            if (run !== null)
              expect(reports).toContain(
                sortedJson({ type, ...run, ...(question === undefined ? {} : { question }) }),
              )
          }
        }
      }),
      { numRuns },
    )
  })

  test('two different reports of the same instant are settled alike everywhere, whatever the order of their keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const start: RefreshState<unknown> = initialRefreshState
        const there = reduceRefresh(reduceRefresh(start, report(one)), report(other))
        const back = reduceRefresh(reduceRefresh(start, report(upsideDown(other))), report(upsideDown(one)))
        expect(JSON.stringify(there)).toBe(JSON.stringify(back))
        expect(reduceRefresh(there, report(upsideDown(one)))).toBe(there)
        expect(reduceRefresh(there, report(upsideDown(other)))).toBe(there)
      }),
      { numRuns },
    )
  })
})
