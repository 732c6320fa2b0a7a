import { anObject, withFields } from '../checks.js'
import { invalidPanel } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { LedgerPartName } from '../questions/ledger/answer.js'
import { checkedPolicy, type RefreshPolicy } from '../refresh/refresh-policy.js'
import type { SampleRatioResult } from '../statistics/sample-ratio.js'
import { answerVersion, formerOf, ownSuccess } from './answered-view.js'
import type { ExposuresAnswer } from './exposures-answer.js'
import type { ExposuresVerdicts } from './exposures-verdicts.js'

/**
 * What a finding is about.
 *
 * | code | it has begun when | severity |
 * |---|---|---|
 * | `mismatch` | both checks of the split find a mismatch: at this look, and at every look (`sequentialSampleRatio`), which no number of looks makes more likely by chance | `critical`; `warning` if equal shares are assumed |
 * | `excluded` | the excluded share has passed its line (`excludedRatio`) | `warning` |
 * | `silent-arm` | an arm is silent (`exposureHealth`); one finding for each `variant` | `critical` |
 * | `rate-fallen` | new identities have become few in all arms (`exposureHealth`) | `warning` |
 * | `events-unusable` | more than 1 % of the events have no time, no identity or no variant (the ledger) | `warning` |
 * | `events-lost` | fewer identities were seen than before, up to a later instant: events have vanished, or aliases have joined identities | `warning` |
 * | `refresh-failing` | the last refresh has failed, and began three times `throttleMs` or more after the last success, or after the start of the experiment if there was none | `critical` if somebody must change something first; otherwise `warning` |
 *
 * What has ended has the severity `info`. `events-lost` happens and does not end.
 */
export type ExposureFindingCode =
  | 'mismatch'
  | 'excluded'
  | 'silent-arm'
  | 'rate-fallen'
  | 'events-unusable'
  | 'events-lost'
  | 'refresh-failing'

/** Something that is new. Plain, frozen data, safe as JSON. */
export interface ExposureFinding {
  readonly code: ExposureFindingCode
  readonly change: 'began' | 'ended'
  readonly severity: 'critical' | 'warning' | 'info'
  /** The variant that it is about; `null` if it is about the experiment. */
  readonly variant: string | null
  /** For people, in English. It holds keys of variants, and no SQL, host name or credential. */
  readonly sentence: string
  /** The numbers and texts behind it. What has ended has those of the answer before. */
  readonly evidence: Readonly<Record<string, number | string | null>>
}

/** What is true of one answer. */
interface Condition extends Omit<ExposureFinding, 'change'> {
  /** What the sentence is when it has ended, by the answer in which it is not true any more. */
  readonly ended: (after: ExposuresAnswer) => string
}

type Judged = ReadonlyMap<string, Condition>

/**
 * What is new since the last answer? For alerts: each finding is given when it begins, and once more when it ends, and
 * never while it lasts.
 *
 * It is a function of the two answers and remembers nothing. So keep the answer, and pass it as `before` the next time:
 * in memory, or as JSON, so that a restart repeats nothing. What an answer cannot say (it has no ledger, or no verdicts)
 * has neither begun nor ended: give every answer of an experiment the same parts.
 *
 * A refresh counts as failing by the state, not by tries: the quick tries after a failure that may pass do not count, and
 * however many hosts there are, they agree. If you refresh less often than every `throttleMs`, pass your interval as
 * `throttleMs`: it is then the third failure. A run that is lost leaves no failure in the state, and no finding.
 *
 * If another question is asked (the spec or the start has changed), everything that was true of the old one has ended,
 * and what is true of the new one has begun. Until the new one has an answer, nothing is true of its counts. If an end is
 * set that the last count has passed, nothing is true of the counts either, until there is one up to that end.
 *
 * @param before - the answer that was told about last; `null` for the first answer: then all that is true has begun
 * @param after - the new answer, of the same experiment
 * @param options.policy - the policy of your refreshes, for `throttleMs`; default 300,000
 * @returns the findings, frozen, in the order of the table of codes, and of one code first what has ended; the same for
 *   the same answers, and none for the same answer twice
 * @throws {@link ExposureError} `invalid-panel` for something else than an answer of this version, `invalid-policy`
 *
 * @example
 * ```ts
 * import {
 *   exposureFingerprint,
 *   exposureSpec,
 *   initialRefreshState,
 *   reduceRefresh,
 *   summarizeExposures,
 * } from 'first-exposure'
 * import { exposureFindings, exposuresAnswer } from 'first-exposure/panel'
 *
 * const startedAt = Date.UTC(2026, 5, 1)
 * const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
 * // As a refresh reports it.
 * const question = { revision: 1, fingerprint: exposureFingerprint(spec, startedAt), startedAt }
 * const answerWith = (excluded: number, asOf: number) =>
 *   exposuresAnswer({
 *     state: reduceRefresh(initialRefreshState, {
 *       type: 'succeeded',
 *       asOf,
 *       at: asOf,
 *       question,
 *       summary: summarizeExposures(
 *         [
 *           { quarantined: false, variant: 'control', bucketMs: startedAt, newIdentities: 1000 },
 *           { quarantined: false, variant: 'green', bucketMs: startedAt, newIdentities: 1000 },
 *           { quarantined: true, variant: null, bucketMs: startedAt, newIdentities: excluded },
 *         ],
 *         { granularity: 'day' },
 *       ),
 *     }),
 *     experiment: { startedAt, endedAt: null },
 *     spec,
 *     now: asOf,
 *   })
 * const monday = answerWith(10, Date.UTC(2026, 5, 5))
 * const tuesday = answerWith(50, Date.UTC(2026, 5, 6))
 * exposureFindings(monday, tuesday).map(({ code, change }) => `${code} ${change}`) // => ['excluded began']
 * exposureFindings(tuesday, tuesday) // => []
 * ```
 */
export function exposureFindings(
  before: ExposuresAnswer | null,
  after: ExposuresAnswer,
  options: { readonly policy?: Partial<RefreshPolicy> } = {},
): readonly ExposureFinding[] {
  withFields(options, ['policy'], 'options', invalidPanel)
  const { throttleMs } = checkedPolicy(options.policy ?? {})
  if (before !== null) assertAnswer(before, 'before')
  assertAnswer(after, 'after')
  const isOther = before !== null && before.experiment.fingerprint !== after.experiment.fingerprint
  const sentenceOf: EndedSentence =
    isOther || (before !== null && hasBecomeFormer(before, after))
      ? () => 'Another question is asked now.'
      : ({ ended }) => ended(after)
  return deepFreeze(
    conditions
      .flatMap((judge) => {
        const then = (before === null ? undefined : truthsOf(before, judge, throttleMs)) ?? nothing
        // Of a question that has no answer yet nothing is true. Of the same one, the answer cannot say.
        const now = truthsOf(after, judge, throttleMs) ?? (isOther ? nothing : then)
        // What is true of both questions does not last: it ends with the one and begins with the other.
        return isOther
          ? [...endedOf(then, sentenceOf), ...begunOf(now)]
          : [...endedOf(without(then, now), sentenceOf), ...begunOf(without(now, then))]
      })
      .concat(before === null ? [] : lostEvents(before, after))
      .sort((a, b) => order.indexOf(a.code) - order.indexOf(b.code)),
  )
}

const order: readonly ExposureFindingCode[] = [
  'mismatch',
  'excluded',
  'silent-arm',
  'rate-fallen',
  'events-unusable',
  'events-lost',
  'refresh-failing',
]

function assertAnswer(answer: ExposuresAnswer, path: string): void {
  const { version, status } = anObject(answer, path, invalidPanel)
  if (version !== answerVersion) {
    throw invalidPanel(`${path}.version`, version, 'Pass what exposuresAnswer of this version returned.')
  }
  anObject(status, `${path}.status`, invalidPanel)
}

/** Whether what was an answer is an old one now, because an end was set that its count has passed. */
function hasBecomeFormer(before: ExposuresAnswer, after: ExposuresAnswer): boolean {
  return formerOf(before.status) === undefined && formerOf(after.status) !== undefined
}

type EndedSentence = (condition: Condition) => string

function endedOf(judged: Judged, sentenceOf: EndedSentence): readonly ExposureFinding[] {
  return [...judged.values()].map((condition) => ({
    ...foundIn(condition),
    change: 'ended',
    severity: 'info',
    sentence: sentenceOf(condition),
  }))
}

function begunOf(judged: Judged): readonly ExposureFinding[] {
  return [...judged.values()].map((condition) => ({ ...foundIn(condition), change: 'began' }))
}

function foundIn({ ended: _ended, ...found }: Condition): Omit<ExposureFinding, 'change'> {
  return found
}

function without(some: Judged, others: Judged): Judged {
  return new Map([...some].filter(([id]) => !others.has(id)))
}

/** What is true of an answer, of one kind; `undefined` if the answer cannot say. */
type Judge = (answer: ExposuresAnswer, throttleMs: number) => Judged | undefined

const nothing: Judged = /* @__PURE__ */ new Map()

/** What is true of an answer. An old answer to another question says nothing of the counts of this one. */
function truthsOf(answer: ExposuresAnswer, judge: Judge, throttleMs: number): Judged | undefined {
  return formerOf(answer.status) !== undefined && judge !== refreshFailing
    ? nothing
    : judge(answer, throttleMs)
}

const conditions: readonly Judge[] = [
  mismatch,
  excluded,
  silentArms,
  rateFallen,
  eventsUnusable,
  refreshFailing,
]

function one(isTrue: boolean, condition: () => Condition): Judged {
  return isTrue ? new Map([['', condition()]]) : new Map()
}

function mismatch({ verdicts }: ExposuresAnswer): Judged | undefined {
  if (verdicts === null) return undefined
  const { sampleRatio: once, sequentialSampleRatio: always, assumed } = verdicts
  return one(once.status === 'mismatch' && always.status === 'mismatch', () => ({
    code: 'mismatch',
    severity: assumed ? 'warning' : 'critical',
    variant: null,
    sentence: `The split is not ${assumed ? 'equal' : 'the configured one'}. ${once.reason ?? ''}`.trimEnd(),
    ended: (after) => mismatchEnded(once, after.verdicts),
    evidence: { pValue: once.pValue, sequentialPValue: always.pValue, since: always.firstCrossedAt },
  }))
}

function mismatchEnded(then: SampleRatioResult, now: ExposuresVerdicts | null): string {
  if (now !== null && isOtherSplit(then, now.sampleRatio)) return 'Another split is expected now.'
  if (now?.sampleRatio.status === 'mismatch')
    return 'The test that allows for every look does not find a mismatch any more.'
  const split = now?.assumed === true ? 'equal shares' : 'the configured one'
  return `The split fits ${split} again, or cannot be judged any more.`
}

/** Whether the two were compared with other shares, as far as they say it. */
function isOtherSplit(then: SampleRatioResult, now: SampleRatioResult): boolean {
  // The shares of several phases are weighted by their identities: they move while the phases stay as they are.
  if (then.components !== undefined && now.components !== undefined) return false
  const [some, others] = [then, now].map(expectedOf)
  if (some === undefined || others === undefined) return false
  // Both sum to 1: what only the other one has is missing in these.
  return [...some].some(([variant, share]) => Math.abs(share - (others.get(variant) ?? 0)) > rounding)
}

/** Shares were multiplied by a total and divided by it again. */
const rounding = 1e-9

/** The expected share of each arm; `undefined` if no identity was judged. */
function expectedOf({ arms }: SampleRatioResult): ReadonlyMap<string, number> | undefined {
  const judged = arms.flatMap(({ variant, expectedShare }) =>
    expectedShare === null ? [] : [[variant, expectedShare] as const],
  )
  return judged.length === 0 ? undefined : new Map(judged)
}

function excluded({ verdicts }: ExposuresAnswer): Judged | undefined {
  if (verdicts === null) return undefined
  const { status, reason, share, excludedIdentities, seenIdentities } = verdicts.excludedRatio
  return one(status === 'warning', () => ({
    code: 'excluded',
    severity: 'warning',
    variant: null,
    sentence: reason ?? 'Many identities were exposed to more than one variant.',
    ended: () => 'The excluded share is no longer above its line, or cannot be judged any more.',
    evidence: { share, excludedIdentities, seenIdentities },
  }))
}

function silentArms({ verdicts }: ExposuresAnswer): Judged | undefined {
  if (verdicts === null) return undefined
  return new Map(
    verdicts.exposureHealth.arms
      .filter(({ isSilent }) => isSilent)
      .map(({ variant, lastSeen, othersSince, pValue }) => [
        variant,
        {
          code: 'silent-arm',
          severity: 'critical',
          variant,
          sentence:
            `The variant ${JSON.stringify(variant)} is silent: ` +
            `${lastSeen === null ? 'nobody has entered it' : `nobody has entered it since ${lastSeen}`}, ` +
            `while ${count(othersSince)} entered the others.`,
          ended: () =>
            `The variant ${JSON.stringify(variant)} is entered again, or cannot be judged any more.`,
          evidence: { lastSeen, othersSince, pValue },
        },
      ]),
  )
}

function rateFallen({ verdicts }: ExposuresAnswer): Judged | undefined {
  if (verdicts === null) return undefined
  const { status, recent, usual, ratio } = verdicts.exposureHealth.rate
  return one(status === 'fallen', () => ({
    code: 'rate-fallen',
    severity: 'warning',
    variant: null,
    sentence: `Few identities enter: ${count(recent)} in the last period, and usually ${count(usual ?? 0)}.`,
    ended: () => 'As many identities enter as usual, or it cannot be judged any more.',
    evidence: { recent, usual, ratio },
  }))
}

const unusable: ReadonlySet<LedgerPartName> = /* @__PURE__ */ new Set([
  'no-timestamp',
  'no-variant',
  'no-identity',
])
const mostUnusable = 0.01

function eventsUnusable({ ledger }: ExposuresAnswer): Judged | undefined {
  if (ledger === null) return undefined
  const lost = ledger.parts.filter(({ part }) => unusable.has(part))
  const events = lost.reduce((sum, part) => sum + part.events, 0)
  return one(events > ledger.scanned * mostUnusable, () => ({
    code: 'events-unusable',
    severity: 'warning',
    variant: null,
    sentence:
      `${count(events)} of ${count(ledger.scanned)} events cannot be counted: ` +
      `they have no time, no identity or no variant.`,
    ended: () => 'Nearly all events can be counted again, or it cannot be judged any more.',
    evidence: {
      scanned: ledger.scanned,
      ...Object.fromEntries(lost.map((part) => [part.part, part.events])),
    },
  }))
}

/** How many times `throttleMs` must have passed since the last success: a loop has then failed as often. */
const failedTimes = 3

function refreshFailing({ status, experiment }: ExposuresAnswer, throttleMs: number): Judged {
  const failure = 'failure' in status ? status.failure : null
  const success = ownSuccess(status)
  // Before the first success, the refreshes are counted from the start of the experiment.
  const since = success?.at ?? experiment.startedAt
  return one(failure !== null && failure.at - since >= failedTimes * throttleMs, () => {
    const { code = '', transient = true, message = '' } = failure?.error ?? {}
    return {
      code: 'refresh-failing',
      severity: transient ? 'warning' : 'critical',
      variant: null,
      sentence: `${
        success === null
          ? 'No refresh has succeeded'
          : `No refresh has succeeded since ${instant(success.at)}`
      }. ${message}`,
      // A failure may also be forgotten, or become one of another question.
      ended: (after) =>
        failure !== null && (ownSuccess(after.status)?.at ?? -Infinity) > failure.at
          ? 'A refresh has succeeded.'
          : 'The refreshes do not count as failing any more.',
      evidence: {
        error: code,
        failedAt: failure === null ? null : instant(failure.at),
        lastSuccessAt: success === null ? null : instant(success.at),
      },
    }
  })
}

/** A later answer to the same question has seen at least as many identities, unless events have vanished. */
function lostEvents(before: ExposuresAnswer, after: ExposuresAnswer): readonly ExposureFinding[] {
  const [one, other] = [before, after].map(seen)
  if (one === undefined || other === undefined || one.question !== other.question) return []
  if (other.asOf < one.asOf || other.identities >= one.identities) return []
  return [
    {
      code: 'events-lost',
      change: 'began',
      severity: 'warning',
      variant: null,
      sentence:
        `Fewer identities were seen than before: ${count(other.identities)} up to ${instant(other.asOf)}, and ` +
        `${count(one.identities)} before that. Were events deleted, or identities joined by aliases?`,
      evidence: { identities: other.identities, identitiesBefore: one.identities },
    },
  ]
}

function seen(
  answer: ExposuresAnswer,
): { readonly question: string; readonly asOf: number; readonly identities: number } | undefined {
  const { status, window, verdicts, experiment } = answer
  const identities = verdicts?.excludedRatio.seenIdentities ?? null
  // An old answer to another question says nothing of this one.
  if (identities === null || window === null || ownSuccess(status) === null) return undefined
  return {
    question: JSON.stringify([experiment.fingerprint ?? null, window.startMs]),
    asOf: window.asOfMs,
    identities,
  }
}

const instant = (ms: number): string => new Date(ms).toISOString()

function count(value: number): string {
  return value.toLocaleString('en')
}
