import { anObject } from '../checks.js'
import { malformedState, refusal, type Refusal } from '../errors.js'
import { deepFreeze } from '../freeze.js'
import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import { checkedState } from '../refresh/checked-state.js'
import { knownOf } from '../refresh/known-of-question.js'
import { isFinal } from '../refresh/refresh-decision.js'
import { checkedExperiment, type RefreshExperiment } from '../refresh/refresh-experiment.js'
import { checkedPolicy, type RefreshPolicy } from '../refresh/refresh-policy.js'
import type { RefreshQuestion } from '../refresh/refresh-question.js'
import type { RefreshState } from '../refresh/refresh-state.js'
import type { FlagsmithExposures, FlagsmithPayload } from './flagsmith-exposures.js'

const notExpressible: Refusal<'not-expressible'> = refusal(
  'not-expressible',
  (path) => `Flagsmith cannot hold ${path}`,
)

/**
 * How does Flagsmith say this state? Writes what Flagsmith's front end reads; `JSON.stringify` of it is the row.
 *
 * | field | from the state |
 * |---|---|
 * | `payload` | the success's summary |
 * | `as_of` | the success's `asOf`; its `at`, once `asOf` reaches the experiment's end, after which nothing is added |
 * | `last_error_at` | the failure's `at`, where that is after `as_of`; the row has no place for the error itself |
 * | `refresh_requested_at` | `requestedAt` |
 * | `is_final` | whether `refreshStatus` says `final`, as far as this question alone goes |
 * | `payload.question` | what was asked, where the state knows it, for `readFlagsmithExposures` |
 *
 * The row is about the question that the experiment asks, as in `refreshStatus`: pass its fingerprint. It cannot say that
 * an answer is an old one, so its payload is `null` until there is an answer to this question.
 *
 * @param state - a state of {@link ExposuresSummary}, counted in UTC
 * @param experiment - when it started and ended, in epoch milliseconds, and its fingerprint
 * @param policy - what differs from the defaults; only `settleMs` matters here, in milliseconds, 3,600,000 by default
 * @param stored - the row that is there now, parsed. Its members that this library does not know, and those of its
 *   payload and its timeseries, are written again as they are, after the others; so a later Flagsmith loses nothing.
 *   Default: none
 * @returns a frozen row. Reading it with `readFlagsmithExposures` and writing that gives the same row again, for every
 *   state whose runs ended no earlier than the window that they computed. The row loses the failure's window and error,
 *   the success's `at` before the experiment's end, and the other questions of the state.
 * @throws {@link ExposureError} `not-expressible` for buckets of another time zone than UTC, for an instant outside the
 *   years 1 to 9999, and for a variant key with NUL or a lone surrogate, which PostgreSQL's `jsonb` cannot hold;
 *   `malformed-state`, `invalid-instant`, `invalid-policy`
 *
 * @example
 * ```ts
 * import { initialRefreshState, reduceRefresh, summarizeExposures } from 'first-exposure'
 * import { writeFlagsmithExposures } from 'first-exposure/flagsmith'
 *
 * const summary = summarizeExposures(
 *   [{ quarantined: false, variant: 'control', bucketMs: Date.UTC(2026, 5, 1), newIdentities: 100 }],
 *   { granularity: 'day' },
 * )
 * const asOf = Date.UTC(2026, 5, 15)
 * const state = reduceRefresh(initialRefreshState, { type: 'succeeded', asOf, at: asOf + 2000, summary })
 * writeFlagsmithExposures(state, { startedAt: Date.UTC(2026, 5, 1), endedAt: null })
 * // => {
 * //   as_of: '2026-06-15T00:00:00Z',
 * //   last_error_at: null,
 * //   refresh_requested_at: null,
 * //   payload: {
 * //     excluded_identities: 0,
 * //     timeseries: {
 * //       granularity: 'day',
 * //       points: [{ bucket: '2026-06-01T00:00:00+00:00', new_identities: { control: 100 } }],
 * //     },
 * //   },
 * //   is_final: false,
 * // }
 * ```
 */
export function writeFlagsmithExposures(
  state: RefreshState,
  experiment: RefreshExperiment,
  policy: Partial<RefreshPolicy> = {},
  stored: unknown = {},
): FlagsmithExposures {
  const checked = checkedExperiment(experiment)
  const { endsAt } = checked
  const patience = checkedPolicy(policy)
  const known = knownOf(checkedState(state), checked)
  const { requestedAt, success, failure, question } = known
  const before = rowAsJson(anObject(stored, 'stored', malformedState))
  const asOf =
    success === null ? null : success.asOf < endsAt ? success.asOf : Math.max(success.asOf, success.at)
  const failedAt = failure === null || (asOf !== null && failure.at <= asOf) ? null : failure.at
  const row: FlagsmithExposures = {
    as_of: instantText(asOf, 'success'),
    last_error_at: instantText(failedAt, 'failure.at'),
    refresh_requested_at: instantText(requestedAt, 'requestedAt'),
    payload: success === null ? null : payloadOf(success.summary, question),
    is_final: isFinal({ success, isShown: true }, endsAt, patience),
  }
  if (row.payload === null) return deepFreeze(withOthersOf(before, row))
  // What was asked for another payload says nothing about this one.
  const { question: _, ...payload } = recordIn(before, 'payload')
  return deepFreeze(
    withOthersOf(before, {
      ...row,
      payload: withOthersOf(payload, {
        ...row.payload,
        timeseries: withOthersOf(recordIn(payload, 'timeseries'), row.payload.timeseries),
      }),
    }),
  )
}

/** A copy of the stored row, as JSON holds it. Its members go into the written row, which is frozen. */
function rowAsJson(stored: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let copy: unknown
  try {
    copy = JSON.parse(JSON.stringify(stored))
  } catch {
    // A bigint, or a circle.
  }
  if (typeof copy === 'object' && copy !== null) return copy as Readonly<Record<string, unknown>>
  throw malformedState(
    'stored',
    stored,
    'Pass the row as JSON.parse returns it.',
    'The row cannot be written as JSON.',
  )
}

/** What is written, with the members of what was stored that it does not have. */
function withOthersOf<Written extends object>(
  stored: Readonly<Record<string, unknown>>,
  written: Written,
): Written {
  const others = Object.entries(stored).filter(([name]) => !Object.hasOwn(written, name))
  // fromEntries defines properties where an assignment to __proto__ would set the prototype.
  return { ...written, ...Object.fromEntries(others) }
}

function recordIn(
  record: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const value = record[name]
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}

function payloadOf(
  { excludedIdentities, timeseries }: ExposuresSummary,
  question: RefreshQuestion | undefined,
): FlagsmithPayload {
  const { granularity, timeZone, points } = timeseries
  if (timeZone !== 'UTC') {
    throw notExpressible(
      'success.summary.timeseries.timeZone',
      timeZone,
      'It knows only buckets of UTC. Ask with the time zone UTC.',
    )
  }
  return {
    excluded_identities: excludedIdentities,
    ...(question === undefined
      ? {}
      : {
          question: {
            revision: question.revision,
            fingerprint: question.fingerprint,
            started_at: isoText(question.startedAt, 'question.startedAt'),
          },
        }),
    timeseries: {
      granularity,
      points: points.map(({ bucket, newIdentities }, index) => ({
        bucket: `${withFourDigitYear(bucket, `success.summary.timeseries.points[${index}].bucket`).slice(0, 19)}+00:00`,
        new_identities: Object.fromEntries(
          Object.entries(newIdentities).map(([variant, count]) => {
            if (variant.includes('\0') || !variant.isWellFormed()) {
              throw notExpressible(
                `success.summary.timeseries.points[${index}].newIdentities`,
                variant,
                'PostgreSQL cannot keep a key with NUL or a lone surrogate in jsonb. ' +
                  'Leave that variant out, or store this state with encodeRefreshState.',
              )
            }
            return [variant, count]
          }),
        ),
      })),
    },
  }
}

/** As Django REST framework prints a UTC instant: microseconds only where the second is not whole. */
function instantText(ms: number | null, path: string): string | null {
  return ms === null ? null : isoText(ms, path)
}

function isoText(ms: number, path: string): string {
  const iso = withFourDigitYear(new Date(ms).toISOString(), path)
  return ms % 1000 === 0 ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 23)}000Z`
}

function withFourDigitYear(iso: string, path: string): string {
  if (!/^\d{4}-/.test(iso) || iso.startsWith('0000')) {
    throw notExpressible(path, iso, 'It keeps instants of the years 1 to 9999.')
  }
  return iso
}
