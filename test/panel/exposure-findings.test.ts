import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  summarizeExposureLedger,
  summarizeExposures,
  type ExposureLedger,
  type RefreshEvent,
  type RefreshState,
} from 'first-exposure'
import {
  exposureFindings,
  exposuresAnswer,
  type ExposureFinding,
  type ExposuresAnswer,
  type ExposuresAnswerInput,
} from 'first-exposure/panel'
import { runs } from '../arbitraries/runs.js'
import { refusalOf } from '../refusal-of.js'
import { askedState } from './asked-state.js'

const day = 86_400_000
const minute = 60_000
const startedAt = Date.UTC(2026, 5, 1)
const experiment = { startedAt, endedAt: null }
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })

interface Told extends Partial<ExposuresAnswerInput> {
  /** New identities by variant, for each day from the start. */
  readonly days?: readonly Readonly<Record<string, number>>[]
  readonly excluded?: number
  readonly events?: readonly RefreshEvent[]
  /** Whether the split is configured. */
  readonly isConfigured?: boolean
}

/** An answer about whole days, and what was reported after them. */
function answer({
  days = [{ control: 500, green: 500 }],
  excluded = 0,
  events = [],
  isConfigured = true,
  ...input
}: Told = {}): ExposuresAnswer {
  const asOf = startedAt + Math.max(5, days.length) * day
  const buckets = [
    ...days.flatMap((counts, index) =>
      Object.entries(counts).map(([variant, newIdentities]) => ({
        quarantined: false,
        variant,
        bucketMs: startedAt + index * day,
        newIdentities,
      })),
    ),
    { quarantined: true, variant: null, bucketMs: startedAt, newIdentities: excluded },
  ]
  const success = {
    type: 'succeeded',
    asOf,
    at: asOf,
    summary: summarizeExposures(buckets, { granularity: 'day' }),
  } as const
  const reported: readonly RefreshEvent[] = days.length === 0 ? events : [success, ...events]
  const state = reported.reduce<RefreshState>(
    (known, event) => reduceRefresh(known, event),
    initialRefreshState as RefreshState,
  )
  return exposuresAnswer(
    askedState({
      state,
      experiment,
      spec,
      now: asOf + minute,
      ...(isConfigured ? { expectedShares: { control: 1, green: 1 } } : {}),
      ...input,
    }),
  )
}

/** A failure, so long after the success of an answer about five days or less. */
const failed = (afterMs: number, transient = true, at = startedAt + 5 * day): RefreshEvent => ({
  type: 'failed',
  asOf: at + afterMs,
  at: at + afterMs,
  error: { code: transient ? 'network' : 'unknown-table', transient, message: 'It broke.' },
})

const short = (findings: readonly ExposureFinding[]): string[] =>
  findings.map(({ code, change, severity, variant }) =>
    [code, variant, change, severity].filter(Boolean).join(' '),
  )

const good = answer()
const skewed = answer({ days: [{ control: 5000, green: 4000 }] })

function ledger(lost: number): ExposureLedger {
  const row = { variant: null, identities: 0, lateness_seconds: [] }
  return summarizeExposureLedger([
    { ...row, entry: 'no-variant', events: lost },
    { ...row, variant: 'control', entry: 'exposure', events: 1000 - lost },
    { ...row, variant: 'control', entry: 'counted', events: 1000 - lost, identities: 500 },
  ])
}

describe('what is found', () => {
  test('nothing, where all is well', () => {
    expect(exposureFindings(null, good)).toEqual([])
    expect(exposureFindings(good, good)).toEqual([])
    expect(exposureFindings(null, answer({ days: [] }))).toEqual([])
  })

  test('a mismatch: when it begins, not while it lasts, and when it ends', () => {
    const [began, ...others] = exposureFindings(good, skewed)
    expect(others).toEqual([])
    expect(began).toMatchObject({ code: 'mismatch', change: 'began', severity: 'critical', variant: null })
    expect(began?.sentence).toMatch(/^The split is not the configured one\. ./)
    expect(began?.evidence).toMatchObject({ since: '2026-06-01T00:00:00.000Z' })
    expect(
      exposureFindings(
        skewed,
        answer({
          days: [
            { control: 5000, green: 4000 },
            { control: 5, green: 5 },
          ],
        }),
      ),
    ).toEqual([])
    const more = answer({ days: [{ control: 50_000, green: 50_000 }] })
    expect(short(exposureFindings(skewed, more))).toEqual(['mismatch ended info'])
    expect(short(exposureFindings(null, skewed))).toEqual(['mismatch began critical'])
  })

  test('a mismatch of equal shares that nobody configured is a warning', () => {
    const guessed = answer({
      days: [{ control: 5000, green: 4000 }],
      variants: ['control', 'green'],
      isConfigured: false,
    })
    expect(guessed.verdicts?.assumed).toBe(true)
    expect(short(exposureFindings(null, guessed))).toEqual(['mismatch began warning'])
  })

  test('a split that is only odd at this look is not told: looks add up', () => {
    const once = answer({ days: [{ control: 5000, green: 4765 }] })
    expect([once.verdicts?.sampleRatio.status, once.verdicts?.sequentialSampleRatio.status]).toEqual([
      'consistent',
      'consistent',
    ])
    // The p-value of 5000 : 4660 is below 0.001; over all looks it is not.
    const odd = answer({ days: [{ control: 5000, green: 4660 }] })
    expect([odd.verdicts?.sampleRatio.status, odd.verdicts?.sequentialSampleRatio.status]).toEqual([
      'mismatch',
      'consistent',
    ])
    expect(exposureFindings(good, odd)).toEqual([])
  })

  test('the excluded share that passed its line', () => {
    const many = answer({ excluded: 50 })
    const findings = exposureFindings(good, many)
    expect(short(findings)).toEqual(['excluded began warning'])
    expect(findings[0]?.evidence).toEqual({
      share: many.verdicts?.excludedRatio.share,
      excludedIdentities: 50,
      seenIdentities: 1050,
    })
    expect(
      short(exposureFindings(many, answer({ days: [{ control: 5000, green: 5000 }], excluded: 50 }))),
    ).toEqual(['excluded ended info'])
  })

  test('each silent arm, and a fallen rate', () => {
    const before = answer({
      days: Array.from({ length: 5 }, () => ({ control: 500, green: 500, 'a "b"': 500 })),
      expectedShares: { control: 1, green: 1, 'a "b"': 1 },
    })
    const after = answer({
      days: [
        ...Array.from({ length: 5 }, () => ({ control: 500, green: 500, 'a "b"': 500 })),
        { control: 40 },
      ],
      expectedShares: { control: 1, green: 1, 'a "b"': 1 },
    })
    const findings = exposureFindings(before, after)
    expect(short(findings)).toEqual([
      'silent-arm green began critical',
      'silent-arm a "b" began critical',
      'rate-fallen began warning',
    ])
    expect(findings[1]?.sentence).toContain('"a \\"b\\""')
    expect(findings[2]?.evidence).toMatchObject({ recent: 40, usual: 1500 })
    expect(short(exposureFindings(after, before)).filter((each) => each.startsWith('silent-arm'))).toEqual([
      'silent-arm green ended info',
      'silent-arm a "b" ended info',
    ])
  })

  test('events that cannot be counted', () => {
    const few = answer({ ledger: ledger(10) })
    const many = answer({ ledger: ledger(11) })
    expect(short(exposureFindings(few, many))).toEqual(['events-unusable began warning'])
    expect(exposureFindings(few, many)[0]?.evidence).toMatchObject({ scanned: 1000, 'no-variant': 11 })
    expect(short(exposureFindings(many, few))).toEqual(['events-unusable ended info'])
    // An answer without a ledger cannot say.
    expect(exposureFindings(many, good)).toEqual([])
    expect(short(exposureFindings(good, many))).toEqual(['events-unusable began warning'])
  })

  test('events that have vanished', () => {
    const fewer = answer({ days: [{ control: 400, green: 500 }] })
    expect(exposureFindings(good, fewer)).toMatchObject([
      {
        code: 'events-lost',
        change: 'began',
        severity: 'warning',
        evidence: { identities: 900, identitiesBefore: 1000 },
      },
    ])
    // An answer from before, or to another question, says nothing of it.
    const later = answer({ days: [...Array.from({ length: 5 }, () => ({ control: 100, green: 100 })), {}] })
    expect(short(exposureFindings(later, good)).filter((each) => each.startsWith('events-lost'))).toEqual([])
    const other = answer({
      days: [{ control: 400, green: 500 }],
      spec: exposureSpec({ environmentKey: 'test', featureName: 'checkout' }),
    })
    expect(exposureFindings(good, other)).toEqual([])
    // Nor does one without a count.
    const none = answer({ days: [] })
    for (const [one, another] of [
      [good, none],
      [none, good],
    ] as const) {
      expect(short(exposureFindings(one, another)).filter((each) => each.startsWith('events-lost'))).toEqual(
        [],
      )
    }
  })

  test('a refresh that has failed for the third time, by the schedule', () => {
    const after = (ms: number, transient = true): ExposuresAnswer =>
      answer({ events: [failed(ms, transient)] })
    // The quick tries of the first two refreshes do not count.
    for (const ms of [5, 5.1, 10, 10.5, 14.99])
      expect(exposureFindings(good, after(ms * minute)), `${ms}`).toEqual([])
    const failing = exposureFindings(good, after(15 * minute))
    expect(short(failing)).toEqual(['refresh-failing began warning'])
    expect(failing[0]).toMatchObject({
      sentence: 'No refresh has succeeded since 2026-06-06T00:00:00.000Z. It broke.',
      evidence: {
        error: 'network',
        failedAt: '2026-06-06T00:15:00.000Z',
        lastSuccessAt: '2026-06-06T00:00:00.000Z',
      },
    })
    expect(exposureFindings(after(15 * minute), after(20 * minute))).toEqual([])
    expect(short(exposureFindings(null, after(15 * minute, false)))).toEqual([
      'refresh-failing began critical',
    ])
    expect(short(exposureFindings(after(15 * minute), good))).toEqual(['refresh-failing ended info'])
    const policy = { throttleMs: 10 * minute }
    expect(exposureFindings(good, after(29 * minute), { policy })).toEqual([])
    expect(short(exposureFindings(good, after(30 * minute), { policy }))).toEqual([
      'refresh-failing began warning',
    ])
    // While the next try runs, it has not ended.
    const trying = answer({
      events: [failed(15 * minute), { type: 'requested', at: startedAt + 5 * day + 20 * minute }],
      now: startedAt + 5 * day + 20 * minute,
    })
    expect(trying.status.type).toBe('refreshing')
    expect(exposureFindings(after(15 * minute), trying)).toEqual([])
  })

  test('of another question nothing is true until it has an answer, and what was true has ended', () => {
    const other = { spec: exposureSpec({ ...spec, multiVariant: 'first-seen' }) }
    const asked = (input: Told, events: readonly RefreshEvent[] = []): ExposuresAnswer => {
      const { state, ...known } = askedState({
        state: events.reduce<RefreshState>(
          (all, event) => reduceRefresh(all, event),
          initialRefreshState as RefreshState,
        ),
        experiment,
        spec,
      })
      return exposuresAnswer({
        ...known,
        state,
        now: startedAt + 6 * day,
        expectedShares: { control: 9, green: 1 },
        ledger: ledger(500),
        ...input,
      })
    }
    const summary = summarizeExposures(
      [
        { quarantined: false, variant: 'control', bucketMs: startedAt, newIdentities: 5000 },
        { quarantined: false, variant: 'green', bucketMs: startedAt, newIdentities: 5000 },
        { quarantined: true, variant: null, bucketMs: startedAt, newIdentities: 5000 },
      ],
      { granularity: 'day' },
    )
    const at = startedAt + 5 * day
    const events: readonly RefreshEvent[] = [{ type: 'succeeded', asOf: at, at, summary }, failed(day / 2)]
    const before = asked({}, events)
    expect(short(exposureFindings(null, before))).toEqual([
      'mismatch began critical',
      'excluded began warning',
      'events-unusable began warning',
      'refresh-failing began warning',
    ])
    const outdated = asked(other, events)
    expect(outdated.status.type).toBe('outdated')
    expect(exposureFindings(null, outdated)).toEqual([])
    const ended = exposureFindings(before, outdated)
    expect(short(ended)).toEqual([
      'mismatch ended info',
      'excluded ended info',
      'events-unusable ended info',
      'refresh-failing ended info',
    ])
    expect(new Set(ended.map(({ sentence }) => sentence))).toEqual(
      new Set(['Another question is asked now.']),
    )
    // The two that are about the same question say how it ended.
    expect(exposureFindings(skewed, good)[0]?.sentence).toMatch(/^The split fits/)
  })

  test('a refresh that never succeeded is counted from the start', () => {
    const never = (ms: number): ExposuresAnswer =>
      answer({ days: [], events: [failed(ms, true, startedAt)], now: startedAt + day })
    expect(exposureFindings(null, never(14 * minute))).toEqual([])
    expect(exposureFindings(null, never(15 * minute))).toMatchObject([
      {
        code: 'refresh-failing',
        sentence: 'No refresh has succeeded. It broke.',
        evidence: { lastSuccessAt: null },
      },
    ])
  })
})

describe('how it has ended', () => {
  const sentences = (before: ExposuresAnswer, after: ExposuresAnswer): string[] =>
    exposureFindings(before, after).map(({ code, change, sentence }) => `${code} ${change}: ${sentence}`)
  const equal = { days: [{ control: 1000, green: 1000 }] }
  const other = { spec: exposureSpec({ environmentKey: 'prod', featureName: 'search' }) }

  test('another question is asked, where an end was set that the count has passed', () => {
    const end = { experiment: { startedAt, endedAt: startedAt + 4 * day } }
    const wrong = { days: [{ control: 5000, green: 4000 }], excluded: 300 }
    const outdated = answer({ ...wrong, ...end })
    expect(outdated.status.type).toBe('outdated')
    expect(sentences(answer({ ...wrong, ledger: ledger(500) }), outdated)).toEqual([
      'mismatch ended: Another question is asked now.',
      'excluded ended: Another question is asked now.',
      'events-unusable ended: Another question is asked now.',
    ])
    expect(short(exposureFindings(outdated, answer(wrong)))).toEqual([
      'mismatch began critical',
      'excluded began warning',
    ])
  })

  test('a share or a ledger that cannot be judged any more is not called good', () => {
    const tooFew = answer({ days: [{ control: 20, green: 20 }], excluded: 10 })
    expect(tooFew.verdicts?.excludedRatio).toMatchObject({ status: 'not-enough-traffic', share: 0.2 })
    const [excluded] = sentences(answer({ days: [{ control: 100, green: 100 }], excluded: 10 }), tooFew)
    expect(excluded).toBe(
      'excluded ended: The excluded share is no longer above its line, or cannot be judged any more.',
    )
    const nobody = answer({ ledger: summarizeExposureLedger([]) })
    expect(sentences(answer({ ledger: ledger(11) }), nobody)).toEqual([
      'events-unusable ended: Nearly all events can be counted again, or it cannot be judged any more.',
    ])
  })

  test('a refresh has succeeded only where one succeeded after the failure', () => {
    const failing = answer({ events: [failed(day)] })
    const succeeded = (afterMs: number): RefreshEvent => {
      const at = startedAt + 5 * day + afterMs
      const buckets = [
        { quarantined: false, variant: 'control', bucketMs: startedAt, newIdentities: 500 },
        { quarantined: false, variant: 'green', bucketMs: startedAt, newIdentities: 500 },
      ]
      return {
        type: 'succeeded',
        asOf: at,
        at,
        summary: summarizeExposures(buckets, { granularity: 'day' }),
      }
    }
    const anew = answer({ events: [failed(day), succeeded(day + minute)] })
    expect(sentences(failing, anew)).toEqual(['refresh-failing ended: A refresh has succeeded.'])
    // A success from before the failure that is reported late, and a store that has lost the failure.
    const late = answer({ events: [failed(day), succeeded(day - minute)] })
    for (const after of [late, good]) {
      expect(sentences(failing, after)).toEqual([
        'refresh-failing ended: The refreshes do not count as failing any more.',
      ])
    }
    // An end that the failed run has passed, and the success has not, or there was none.
    const end = { experiment: { startedAt, endedAt: startedAt + 5.5 * day } }
    expect(sentences(failing, answer({ events: [failed(day)], ...end }))).toEqual([
      'refresh-failing ended: Another question is asked now.',
    ])
    const never = { days: [], events: [failed(day)] }
    expect(sentences(answer(never), answer({ ...never, ...end }))).toEqual([
      'refresh-failing ended: The refreshes do not count as failing any more.',
    ])
  })

  test('a question that stays without an answer is not another one', () => {
    const { state } = askedState({ state: initialRefreshState, experiment, spec })
    const known = good.status.type === 'loaded' ? good.status.success : null
    const asked = askedState({ state, experiment, ...other }).state
    const former = { ...state, success: known }
    const at = startedAt + 6 * day
    const waiting = (failure: RefreshState['failure']): ExposuresAnswer =>
      exposuresAnswer({
        state: {
          ...asked,
          question: { revision: 2, startedAt, fingerprint: '', ...asked.question },
          requestedAt: startedAt,
          failure,
          earlier: [former],
        },
        experiment,
        ...other,
        now: at + day,
      })
    const failing = waiting({
      asOf: at,
      at,
      error: { code: 'network', transient: true, message: 'It broke.' },
    })
    expect([failing.status.type, waiting(null).status.type]).toEqual(['failed', 'outdated'])
    expect(sentences(failing, waiting(null))).toEqual([
      'refresh-failing ended: The refreshes do not count as failing any more.',
    ])
  })

  test('another split is expected, where the configured one has changed', () => {
    const days = Array.from({ length: 5 }, () => ({ control: 500, green: 1500 }))
    const assumed = answer({ days, isConfigured: false })
    const configured = answer({ days, expectedShares: { control: 1, green: 3 } })
    const anew = 'mismatch ended: Another split is expected now.'
    expect(sentences(assumed, configured)).toEqual([anew])
    expect(sentences(answer({ days }), configured)).toEqual([anew])
    const even = Array.from({ length: 5 }, () => ({ control: 1000, green: 1000 }))
    const uneven = answer({ days: even, expectedShares: { control: 3, green: 1 } })
    expect(sentences(uneven, answer({ days: even, isConfigured: false }))).toEqual([anew])
    // An arm that was added, and one that was taken away.
    const arms = answer({
      days: days.map(() => ({ control: 1000, green: 1000, blue: 0 })),
      expectedShares: { control: 1, green: 1, blue: 1 },
    })
    expect(sentences(arms, answer({ days: even }))).toContain(anew)
    expect(
      sentences(answer({ days }), answer({ days, expectedShares: { green: 3, control: 1, blue: 0 } })),
    ).toEqual([anew])
  })

  test('the same split, otherwise written, is not another one', () => {
    const again = 'mismatch ended: The split fits the configured one again, or cannot be judged any more.'
    const wrong = answer({
      days: [{ control: 600, green: 600, blue: 600 }],
      expectedShares: { control: 7, green: 2, blue: 1 },
    })
    // The expected shares differ in their last digits.
    const right = { days: [{ control: 2100, green: 600, blue: 300 }] }
    expect(
      sentences(wrong, answer({ ...right, expectedShares: { blue: 0.1, green: 0.2, control: 0.7 } })),
    ).toEqual([again])
    expect(sentences(skewed, answer(equal))).toContain(again)
    expect(
      sentences(
        answer({ days: [{ control: 500, green: 1500 }], isConfigured: false }),
        answer({ ...equal, isConfigured: false }),
      ),
    ).toEqual(['mismatch ended: The split fits equal shares again, or cannot be judged any more.'])
    // Nobody is left to judge.
    expect(sentences(skewed, answer({ days: [{}] }))).toContain(again)
    expect(sentences(skewed, answer({ days: [{ control: 900 }], expectedShares: { control: 1 } }))).toContain(
      again,
    )
  })

  test('phases whose weights have moved are not another split', () => {
    const expectedShares = [
      { shares: { control: 9, green: 1 } },
      { from: startedAt + day, shares: { control: 1, green: 1 } },
    ]
    const first = { control: 900, green: 100 }
    const wrong = answer({ days: [first, { control: 500, green: 800 }], expectedShares })
    const right = answer({ days: [first, { control: 1500, green: 1500 }], expectedShares })
    expect(sentences(wrong, right)).toEqual([
      'mismatch ended: The split fits the configured one again, or cannot be judged any more.',
    ])
  })

  test('a mismatch that is left at this look only', () => {
    const odd = answer({ days: [{ control: 5000, green: 4660 }] })
    expect(odd.verdicts?.sampleRatio.status).toBe('mismatch')
    expect(sentences(skewed, odd)).toEqual([
      'mismatch ended: The test that allows for every look does not find a mismatch any more.',
    ])
  })

  test('all that was true of the old question, before the new one has an answer', () => {
    const before = answer({
      days: [{ control: 5000, green: 4000 }],
      excluded: 200,
      ledger: ledger(500),
      events: [failed(day)],
    })
    const after = answer({ ...other, days: [] })
    expect(after.verdicts).toBeNull()
    expect(sentences(before, after)).toEqual([
      'mismatch ended: Another question is asked now.',
      'excluded ended: Another question is asked now.',
      'events-unusable ended: Another question is asked now.',
      'refresh-failing ended: Another question is asked now.',
    ])
    const first = answer({ ...other, days: [{ control: 5000, green: 4000 }] })
    expect(short(exposureFindings(after, first))).toEqual(['mismatch began critical'])
    // Without an answer to the same question nothing ends: it cannot say.
    expect(short(exposureFindings(skewed, answer({ days: [] })))).toEqual([])
  })

  test('what is true of the old question and of the new one, first as ended and then as begun', () => {
    const told = { days: [{ control: 5000, green: 4000 }], excluded: 200, events: [failed(day)] }
    const [before, after] = [answer(told), answer({ ...told, ...other })]
    expect(short(exposureFindings(before, after))).toEqual([
      'mismatch ended info',
      'mismatch began critical',
      'excluded ended info',
      'excluded began warning',
      'refresh-failing ended info',
      'refresh-failing began warning',
    ])
    expect(exposureFindings(before, after).filter(({ change }) => change === 'began')).toEqual(
      exposureFindings(null, after),
    )
  })
})

describe('laws of findings', () => {
  const answers = fc
    .record({
      days: fc.array(fc.record({ control: fc.nat({ max: 3000 }), green: fc.nat({ max: 3000 }) }), {
        minLength: 1,
        maxLength: 7,
      }),
      excluded: fc.nat({ max: 200 }),
      lost: fc.nat({ max: 20 }),
      failedAfter: fc.option(fc.nat({ max: 40 })),
      transient: fc.boolean(),
      featureName: fc.constantFrom('checkout', 'search'),
      endedAt: fc.constantFrom(null, null, startedAt + 2 * day),
    })
    .map(({ days, excluded, lost, failedAfter, transient, featureName, endedAt }) =>
      answer({
        spec: exposureSpec({ environmentKey: 'prod', featureName }),
        experiment: { startedAt, endedAt },
        days,
        excluded,
        ledger: ledger(lost),
        events:
          failedAfter === null
            ? []
            : [failed(failedAfter * minute, transient, startedAt + Math.max(5, days.length) * day)],
      }),
    )
  const lasting = (findings: readonly ExposureFinding[]): ExposureFinding[] =>
    findings.filter(({ code }) => code !== 'events-lost')
  const idOf = ({ code, variant }: ExposureFinding): string => JSON.stringify([code, variant])

  test('the same pair gives the same, an answer twice gives nothing, and all is plain frozen data', () => {
    fc.assert(
      fc.property(answers, answers, (before, after) => {
        const findings = exposureFindings(before, after)
        expect(exposureFindings(before, after)).toEqual(findings)
        expect(exposureFindings(JSON.parse(JSON.stringify(before)) as ExposuresAnswer, after)).toEqual(
          findings,
        )
        expect(exposureFindings(after, after)).toEqual([])
        expect(JSON.parse(JSON.stringify(findings))).toEqual(findings)
        expect(findings.every((each) => Object.isFrozen(each) && Object.isFrozen(each.evidence))).toBe(true)
        expect(findings.every(({ sentence }) => /\.$|\?$/.test(sentence))).toBe(true)
      }),
      { numRuns: runs(60) },
    )
  })

  test('over any answers, each begins and ends in turn, and what has begun is what is true at the end', () => {
    fc.assert(
      fc.property(fc.array(answers, { minLength: 1, maxLength: 6 }), (sequence) => {
        const open = new Set<string>()
        for (const [index, after] of sequence.entries()) {
          for (const finding of lasting(exposureFindings(sequence[index - 1] ?? null, after))) {
            expect(open.has(idOf(finding))).toBe(finding.change === 'ended')
            if (finding.change === 'began') open.add(idOf(finding))
            else open.delete(idOf(finding))
          }
        }
        const [last] = sequence.slice(-1)
        const atTheEnd = last === undefined ? [] : exposureFindings(null, last)
        expect([...open].sort()).toEqual(atTheEnd.map(idOf).sort())
      }),
      { numRuns: runs(40) },
    )
  })
})

test('something else than two answers is refused', () => {
  expect(refusalOf(() => exposureFindings(undefined as never, good))).toMatchObject({
    details: { path: 'before' },
  })
  expect(refusalOf(() => exposureFindings(null, null as never))).toMatchObject({ details: { path: 'after' } })
  expect(refusalOf(() => exposureFindings(null, { ...good, version: 2 as 1 }))).toMatchObject({
    code: 'invalid-panel',
    details: { path: 'after.version', received: '2' },
  })
  expect(refusalOf(() => exposureFindings(null, good, { policies: {} } as never))).toMatchObject({
    details: { path: 'options.policies' },
  })
  expect(refusalOf(() => exposureFindings(null, good, { policy: { throttleMs: -1 } }))).toMatchObject({
    code: 'invalid-policy',
  })
})
