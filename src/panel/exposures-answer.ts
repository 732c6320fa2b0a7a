import { aList, aName, aString, anObject, withFields } from '../checks.js'
import { invalidPanel } from '../errors.js'
import { deepFreeze, frozenCopy } from '../freeze.js'
import { exposureFingerprint } from '../experiment/exposure-fingerprint.js'
import type { ExposureSpec } from '../experiment/exposure-spec.js'
import type { MultiVariantPolicy } from '../experiment/multi-variant-policy.js'
import type { ExposuresBreakdown } from '../questions/breakdown/answer.js'
import type { Crossovers } from '../questions/crossovers/answer.js'
import type { ExposureLedger } from '../questions/ledger/answer.js'
import { refreshDecision, type RefreshDecision } from '../refresh/refresh-decision.js'
import type { RefreshExperiment } from '../refresh/refresh-experiment.js'
import type { RefreshPolicy } from '../refresh/refresh-policy.js'
import type { RefreshState } from '../refresh/refresh-state.js'
import { refreshStatus, type RefreshStatus } from '../refresh/refresh-status.js'
import type { ExpectedShares } from '../statistics/expected-phases.js'
import { epochMs, type Instant } from '../time/instant.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { answeredView, answerVersion, formerOf, successOf } from './answered-view.js'
import { crossoversAnswer, type CrossoversAnswer } from './crossovers-answer.js'
import { exposuresVerdicts, formerVerdicts, type ExposuresVerdicts } from './exposures-verdicts.js'
import { slicesAnswer, type SlicesAnswer } from './slices-answer.js'

/** What {@link exposuresAnswer} puts together. */
export interface ExposuresAnswerInput {
  /** What is known of the experiment's refreshes: what your store holds, or `initialRefreshState`. */
  readonly state: RefreshState
  /** When the experiment started and ended. */
  readonly experiment: RefreshExperiment
  /**
   * What your refreshes ask. A stored answer to another spec, or from another start, is shown as an old one. Its
   * `multiVariant` says how to read the numbers.
   */
  readonly spec: ExposureSpec
  /** The clock of the server: a `Date`, epoch milliseconds or ISO 8601 with a zone. */
  readonly now: Instant
  /** The policy of your refreshes, as for `refreshDecision`. */
  readonly policy?: Partial<RefreshPolicy>
  /** What to call the experiment. Default: the feature's name. */
  readonly title?: string
  /** Where the exposures come from, in a few words. */
  readonly origin?: string
  /**
   * The configured split: shares, percentages or weights of any sum, or phases if it changed. If left out, equal shares
   * are assumed, and the panel says so.
   */
  readonly expectedShares?: ExpectedShares
  /** The keys of the configured variants, in the order to show them. Default: those of `expectedShares`. */
  readonly variants?: readonly string[]
  /** The key of the control. Default `control`. */
  readonly control?: string
  /** Where every event went, for the window of the state's last success. If left out, the panel does not show it. */
  readonly ledger?: ExposureLedger
  /** Who was in two variants, for the same window. If left out, the panel does not show it. */
  readonly crossovers?: Crossovers
  /** The same summary, broken down by a column, whose name is for people. If left out, the panel does not show it. */
  readonly breakdown?: ExposuresBreakdown & { readonly column: string }
}

/**
 * Everything that a panel shows, and the verdicts on it. Plain data, frozen through and through;
 * `JSON.parse(JSON.stringify(answer))` equals it. Instants are in epoch milliseconds.
 */
export interface ExposuresAnswer {
  /** The version of this shape. A panel refuses another version, in words. */
  readonly version: typeof answerVersion
  readonly title: string
  readonly origin: string | null
  /** With the fingerprint of what is asked. */
  readonly experiment: RefreshExperiment
  /** The clock of the server when it answered. */
  readonly nowMs: number
  /**
   * What `refreshStatus` says, with the last good summary in it; before the first success, with the old answer to another
   * question as `former`, if there is one. The panel then shows that, and says that it is old.
   */
  readonly status: RefreshStatus
  /** What `refreshDecision` says: whether a refresh may be asked for now, and if not, why. */
  readonly decision: RefreshDecision
  /** The IANA time zone of what is asked, whose hours and days are the buckets. */
  readonly timeZone: string
  /** How identities of several variants were counted. */
  readonly multiVariant: MultiVariantPolicy
  /** The window of the summary that is shown; `null` if there is none, or if version 0.1 stored it without its start. */
  readonly window: ExposureWindow | null
  /** The keys of the configured variants, in the order to show them; `null` if nobody said which they are. */
  readonly variants: readonly string[] | null
  readonly control: string
  /**
   * Can the numbers be trusted? `null` if there are no numbers to show. The split of an old answer to another question is
   * not judged, because it is not known which split was configured then.
   */
  readonly verdicts: ExposuresVerdicts | null
  /** `null` if it was not given, or before the first success of what is asked. The same holds for the next two. */
  readonly ledger: ExposureLedger | null
  readonly crossovers: CrossoversAnswer | null
  readonly slices: SlicesAnswer | null
}

/**
 * What does a panel show of an experiment? Puts together what a server knows: the stored state, what the state means
 * now, and the verdicts on the last good summary. Send it as JSON to `mountPanel`, or put it into a page with
 * `panelPage`.
 *
 * It holds the summary, and not the view: the browser makes the view from it. At 400 days and 30 variants the summary
 * is less than half of the view's JSON. The verdicts are made here, so that a page needs no statistics.
 *
 * @param input - the state with its experiment, spec and time, and what is known beside it
 * @returns a frozen answer; the same for the same input
 * @throws {@link ExposureError} `invalid-panel`, naming the field of the input; `invalid-instant`, `invalid-policy`,
 *   `malformed-state`, `malformed-summary`, `invalid-view` and `invalid-statistics` as `refreshStatus`, `exposuresView`
 *   and `sampleRatio`
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
 * import { exposuresAnswer } from 'first-exposure/panel'
 *
 * const startedAt = Date.UTC(2026, 5, 1)
 * const summary = summarizeExposures(
 *   [
 *     { quarantined: false, variant: 'control', bucketMs: startedAt, newIdentities: 510 },
 *     { quarantined: false, variant: 'green', bucketMs: startedAt, newIdentities: 490 },
 *   ],
 *   { granularity: 'day' },
 * )
 * const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
 * const at = Date.UTC(2026, 5, 5)
 * // As a refresh reports it.
 * const question = { revision: 1, fingerprint: exposureFingerprint(spec, startedAt), startedAt }
 * const state = reduceRefresh(initialRefreshState, { type: 'succeeded', asOf: at, at, summary, question })
 * const answer = exposuresAnswer({
 *   state,
 *   experiment: { startedAt, endedAt: null },
 *   spec,
 *   now: at + 60_000,
 *   expectedShares: { control: 0.5, green: 0.5 },
 * })
 * answer.status.type // => 'loaded'
 * answer.verdicts?.sampleRatio.status // => 'consistent'
 * ```
 */
export function exposuresAnswer(input: ExposuresAnswerInput): ExposuresAnswer {
  withFields(input, inputFields, 'input', invalidPanel, '')
  const { state, experiment, spec, policy = {}, title, origin, expectedShares, control } = input
  anObject(spec, 'spec', invalidPanel)
  const nowMs = epochMs(input.now, 'now')
  const dates = anObject(experiment, 'experiment', invalidPanel) as unknown as RefreshExperiment
  // A host may have read them as a Date or a text: the answer has milliseconds.
  const startedAt = epochMs(dates.startedAt, 'experiment.startedAt')
  const endedAt = dates.endedAt === null ? null : epochMs(dates.endedAt, 'experiment.endedAt')
  const asked = { startedAt, endedAt, fingerprint: exposureFingerprint(spec, startedAt) }
  // Its own copy of what is not frozen, such as a state read from JSON.
  const status = frozenCopy({ ...refreshStatus(state, asked, nowMs, policy) })
  const decision = refreshDecision(state, asked, nowMs, policy)
  const variants = configuredVariants(input.variants, expectedShares)
  assertParts(input)
  const base = {
    version: answerVersion,
    title: title === undefined ? spec.featureName : aName(title, 'title', invalidPanel),
    origin: origin === undefined ? null : aString(origin, 'origin', invalidPanel),
    experiment: asked,
    nowMs,
    status,
    decision,
    timeZone: spec.timeZone,
    multiVariant: spec.multiVariant,
    variants,
    control: control === undefined ? 'control' : aString(control, 'control', invalidPanel),
  } as const
  const success = successOf(status)
  if (success === null) {
    return deepFreeze<ExposuresAnswer>({
      ...base,
      window: null,
      verdicts: null,
      ledger: null,
      crossovers: null,
      slices: null,
    })
  }
  const former = formerOf(status)
  const window = (former === undefined ? 'window' in status && status.window : former.window) || null
  const view = answeredView({ ...base, window }, success)
  const verdicts = former === undefined ? exposuresVerdicts(view, expectedShares) : formerVerdicts(view)
  // What stands beside a count is about the question that is asked now.
  const { ledger = null, crossovers, breakdown } = former === undefined ? input : {}
  return deepFreeze<ExposuresAnswer>({
    ...base,
    window,
    verdicts,
    ledger: frozenCopy(ledger),
    crossovers:
      crossovers === undefined ? null : crossoversAnswer(crossovers, view, spec.multiVariant, expectedShares),
    slices: breakdown === undefined ? null : slicesAnswer(breakdown, view, expectedShares),
  })
}

/** Refuses parts that could not be shown, also before there is anything to show beside them. */
function assertParts({ ledger, crossovers, breakdown }: ExposuresAnswerInput): void {
  if (ledger !== undefined) {
    aList(anObject(ledger, 'ledger', invalidPanel)['parts'], 'ledger.parts', invalidPanel)
  }
  if (crossovers !== undefined) {
    const { pairs, firstVariants, timeseries } = anObject(crossovers, 'crossovers', invalidPanel)
    aList(pairs, 'crossovers.pairs', invalidPanel)
    const { points } = anObject(timeseries, 'crossovers.timeseries', invalidPanel)
    aList(points, 'crossovers.timeseries.points', invalidPanel)
    anObject(firstVariants, 'crossovers.firstVariants', invalidPanel)
  }
  if (breakdown !== undefined) {
    const { column, slices } = anObject(breakdown, 'breakdown', invalidPanel)
    aName(column, 'breakdown.column', invalidPanel)
    aList(slices, 'breakdown.slices', invalidPanel)
  }
}

const inputFields = [
  'state',
  'experiment',
  'spec',
  'now',
  'policy',
  'title',
  'origin',
  'expectedShares',
  'variants',
  'control',
  'ledger',
  'crossovers',
  'breakdown',
] as const satisfies readonly (keyof ExposuresAnswerInput)[]

function configuredVariants(
  variants: readonly string[] | undefined,
  expectedShares: ExpectedShares | undefined,
): readonly string[] | null {
  if (variants !== undefined) {
    const keys = aList(variants, 'variants', invalidPanel).map((key, index) =>
      aString(key, `variants[${index}]`, invalidPanel),
    )
    const twice = keys.findIndex((key, index) => keys.indexOf(key) < index)
    if (twice !== -1) {
      throw invalidPanel(`variants[${twice}]`, keys[twice], 'Name each variant once.')
    }
    return keys
  }
  if (expectedShares === undefined) return null
  const all = Array.isArray(expectedShares)
    ? (expectedShares as readonly unknown[]).map(
        (phase, index) => anObject(phase, `expectedShares[${index}]`, invalidPanel)['shares'],
      )
    : [expectedShares]
  return [...new Set(all.flatMap((shares) => Object.keys(anObject(shares, 'expectedShares', invalidPanel))))]
}
