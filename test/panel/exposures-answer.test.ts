import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  refreshDecision,
  refreshStatus,
  summarizeExposureLedger,
  summarizeExposures,
  type ExposuresSummary,
  type RefreshState,
} from 'first-exposure'
import { exposuresAnswer, panelPage, type ExposuresAnswerInput } from 'first-exposure/panel'
import { excludedRatio, exposureHealth, sampleRatio, sequentialSampleRatio } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
import { exposuresSummary } from '../arbitraries/exposures-summary.js'
import { runs } from '../arbitraries/runs.js'
import { refusalOf } from '../refusal-of.js'
import { askedState } from './asked-state.js'

const startedAt = Date.UTC(2026, 4, 31, 12)
const asOf = Date.UTC(2026, 5, 8)
const experiment = { startedAt, endedAt: null }
const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const after = (summary: ExposuresSummary): RefreshState =>
  reduceRefresh(initialRefreshState, { type: 'succeeded', asOf, at: asOf, summary })
const base: ExposuresAnswerInput = { state: initialRefreshState, experiment, spec, now: asOf + 1000 }

function isFrozen(value: unknown): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen))
  )
}

describe('an answer', () => {
  test('is frozen, plain JSON, the same for the same input, and holds what the checks say', () => {
    fc.assert(
      fc.property(exposuresSummary(), fc.boolean(), (summary, configured) => {
        const keys = [
          ...new Set(summary.timeseries.points.flatMap((point) => Object.keys(point.newIdentities))),
        ]
        const shares = Object.fromEntries(keys.map((key) => [key, 1]))
        const input = askedState({
          ...base,
          state: after(summary),
          ...(configured ? { expectedShares: shares } : {}),
        })
        const asked = { ...experiment, fingerprint: exposureFingerprint(spec, startedAt) }
        const answer = exposuresAnswer(input)
        expect(isFrozen(answer)).toBe(true)
        expect(JSON.parse(JSON.stringify(answer))).toEqual(answer)
        expect(exposuresAnswer(input)).toEqual(answer)
        expect(answer.status).toEqual(refreshStatus(input.state, asked, base.now))
        expect(answer.decision).toEqual(refreshDecision(input.state, asked, base.now))

        const window = { startMs: startedAt, asOfMs: asOf }
        const view = exposuresView(summary, {
          fillGaps: true,
          window,
          ...(configured ? { variants: Object.keys(shares) } : {}),
        })
        const assumed = configured
          ? shares
          : Object.fromEntries(view.variants.filter(({ expected }) => expected).map(({ key }) => [key, 1]))
        const { path, ...sequential } = sequentialSampleRatio(view, assumed)
        expect(answer.verdicts).toEqual({
          assumed: !configured,
          sampleRatio: sampleRatio(view, assumed),
          sequentialSampleRatio: { ...sequential, looks: path.length },
          excludedRatio: excludedRatio(view),
          exposureHealth: exposureHealth(view, assumed),
        })
      }),
      { numRuns: runs(60) },
    )
  })

  test('a state and a ledger as they came from JSON are not frozen, and the answer is', () => {
    const summary = summarizeExposures(
      [{ quarantined: false, variant: 'a', bucketMs: Date.UTC(2026, 5, 1), newIdentities: 7 }],
      { granularity: 'day' },
    )
    const ledger = summarizeExposureLedger([
      { entry: 'exposure', variant: 'a', events: 9, identities: 0, lateness_seconds: [] },
      { entry: 'counted', variant: 'a', events: 9, identities: 7, lateness_seconds: [] },
    ])
    const parsed = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value
    const input = { ...askedState({ ...base, state: after(summary) }), ledger }
    const plain = { ...input, state: parsed(input.state), ledger: parsed(ledger) }
    const answer = exposuresAnswer(plain)
    expect(answer).toEqual(exposuresAnswer(input))
    expect(isFrozen(answer)).toBe(true)
    for (const own of [
      plain.state,
      plain.state.success?.summary.timeseries,
      plain.ledger,
      plain.ledger.parts,
    ]) {
      expect(own).toBeDefined()
      expect(Object.isFrozen(own)).toBe(false)
    }
  })

  test.each([
    ['as Date', new Date(startedAt), new Date(asOf)],
    ['as text', new Date(startedAt).toISOString(), new Date(asOf).toISOString()],
  ])('an experiment’s dates %s are milliseconds in the answer', (_, start, end) => {
    const dates = { startedAt: start, endedAt: end } as never
    const known = { startedAt, endedAt: asOf }
    expect(exposuresAnswer({ ...base, experiment: dates })).toEqual(
      exposuresAnswer({ ...base, experiment: known }),
    )
  })

  test('before the first success has no verdicts and nothing of a count', () => {
    expect(exposuresAnswer(base)).toEqual({
      version: 1,
      title: 'checkout',
      origin: null,
      experiment: { ...experiment, fingerprint: exposureFingerprint(spec, startedAt) },
      nowMs: asOf + 1000,
      status: { type: 'empty' },
      decision: { type: 'due' },
      timeZone: 'UTC',
      multiVariant: 'quarantine',
      window: null,
      variants: null,
      control: 'control',
      verdicts: null,
      ledger: null,
      crossovers: null,
      slices: null,
    })
  })

  test('shows an answer to another question as an old one, with its own window and nothing beside it', () => {
    const summary = summarizeExposures(
      [{ quarantined: false, variant: 'a', bucketMs: Date.UTC(2026, 5, 1), newIdentities: 7 }],
      { granularity: 'day' },
    )
    const known = askedState({ ...base, state: after(summary) })
    const beside = { breakdown: { column: 'country', slices: [], others: null } as never }
    for (const change of [
      // A start after the counts, which an axis from there would not hold.
      { experiment: { startedAt: Date.UTC(2026, 5, 3), endedAt: null } },
      { experiment: { startedAt, endedAt: asOf - 3_600_000 } },
      { spec: exposureSpec({ ...spec, timeZone: 'Europe/Madrid' }) },
      { spec: exposureSpec({ ...spec, multiVariant: 'first-seen' }) },
    ] as const) {
      expect(exposuresAnswer({ ...known, ...change, ...beside })).toMatchObject({
        status: { type: 'outdated', former: { success: { asOf, summary } } },
        decision: { type: 'due' },
        window: { startMs: startedAt, asOfMs: asOf },
        verdicts: {
          sampleRatio: { status: 'not-computable', reason: expect.stringContaining('old count') },
          excludedRatio: { seenIdentities: 7 },
        },
        slices: null,
      })
    }
    // What 0.1 stored does not say from when on it counted.
    expect(exposuresAnswer({ ...base, state: after(summary) })).toMatchObject({
      status: { type: 'outdated' },
      window: null,
    })
  })

  test('judges no old count by the split of now', () => {
    const summary = summarizeExposures(
      ['a', 'b'].map((variant) => ({
        quarantined: false,
        variant,
        bucketMs: Date.UTC(2026, 5, 1),
        newIdentities: 5000,
      })),
      { granularity: 'day' },
    )
    const input = { ...askedState({ ...base, state: after(summary) }), expectedShares: { a: 9, b: 1 } }
    expect(exposuresAnswer(input).verdicts?.sampleRatio.status).toBe('mismatch')
    const outdated = exposuresAnswer({
      ...input,
      spec: exposureSpec({ ...spec, multiVariant: 'first-seen' }),
    })
    expect(outdated.status.type).toBe('outdated')
    const { sampleRatio, sequentialSampleRatio, exposureHealth } = outdated.verdicts ?? {}
    for (const verdict of [sampleRatio, sequentialSampleRatio, exposureHealth]) {
      expect(verdict).toMatchObject({
        status: 'not-computable',
        reason: 'This is an old count, and the split that was configured then is not known.',
      })
    }
  })

  test.each([
    [{ variants: ['a', 'a'] }, 'variants[1]'],
    [{ ledger: {} }, 'ledger.parts'],
    [{ ledger: null }, 'ledger'],
    [{ crossovers: null }, 'crossovers'],
    [{ crossovers: {} }, 'crossovers.pairs'],
    [{ crossovers: { pairs: [] } }, 'crossovers.timeseries'],
    [{ breakdown: null }, 'breakdown'],
    [{ breakdown: { slices: [] } }, 'breakdown.column'],
    [{ breakdown: { column: 'country' } }, 'breakdown.slices'],
  ])('%j is refused, also before anything is counted', (part, path) => {
    expect(() => exposuresAnswer({ ...base, ...(part as object) })).toThrow(
      expect.objectContaining({ code: 'invalid-panel', details: expect.objectContaining({ path }) }),
    )
  })

  test('takes the variants from the shares, also from phases', () => {
    expect(exposuresAnswer({ ...base, expectedShares: { b: 1, a: 1 } }).variants).toEqual(['b', 'a'])
    const phases = [{ shares: { b: 9, a: 1 } }, { from: asOf - 1000, shares: { b: 1, c: 1 } }]
    expect(exposuresAnswer({ ...base, expectedShares: phases }).variants).toEqual(['b', 'a', 'c'])
    expect(exposuresAnswer({ ...base, expectedShares: { a: 1 }, variants: ['z'] }).variants).toEqual(['z'])
  })

  test('is less than half of the view’s JSON, for 400 days and 30 variants', () => {
    const keys = Array.from({ length: 30 }, (_, place) => `variant-${place + 1}`)
    const summary = summarizeExposures(
      Array.from({ length: 400 }, (_, day) =>
        keys.map((variant, place) => ({
          quarantined: false as const,
          variant,
          bucketMs: Date.UTC(2025, 0, 1 + day),
          newIdentities: 1000 + day + place,
        })),
      ).flat(),
      { granularity: 'day' },
    )
    const end = Date.UTC(2025, 0, 401)
    const state = reduceRefresh(initialRefreshState, { type: 'succeeded', asOf: end, at: end, summary })
    const answer = exposuresAnswer(
      askedState({ ...base, state, experiment: { startedAt: Date.UTC(2025, 0, 1), endedAt: null } }),
    )
    const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
    expect(bytes(answer)).toBeLessThan(bytes(exposuresView(summary, { fillGaps: true })) / 2)
  })

  test('refuses what it cannot use, by its name', () => {
    const refused = (change: object): unknown => refusalOf(() => exposuresAnswer({ ...base, ...change }))
    expect(refused({ titel: 'x' })).toMatchObject({ code: 'invalid-panel', details: { path: 'titel' } })
    expect(refused({ title: '' })).toMatchObject({ code: 'invalid-panel', details: { path: 'title' } })
    expect(refused({ origin: 3 })).toMatchObject({ code: 'invalid-panel', details: { path: 'origin' } })
    expect(refused({ variants: ['a', 1] })).toMatchObject({ details: { path: 'variants[1]' } })
    expect(refused({ spec: undefined })).toMatchObject({ code: 'invalid-panel', details: { path: 'spec' } })
    expect(refused({ now: 'today' })).toMatchObject({ code: 'invalid-instant' })
    expect(refused({ experiment: { startedAt: 'June', endedAt: null } })).toMatchObject({
      code: 'invalid-instant',
    })
    for (const [path, change] of [
      ['expectedShares[0]', { expectedShares: [null] }],
      ['crossovers.firstVariants', { crossovers: { pairs: [], timeseries: { points: [] } } }],
      ['crossovers.timeseries.points', { crossovers: { pairs: [], firstVariants: {}, timeseries: {} } }],
    ] as const) {
      expect(refused(change)).toMatchObject({ code: 'invalid-panel', details: { path } })
    }
    expect(refusalOf(() => panelPage(exposuresAnswer(base), null as never))).toMatchObject({
      code: 'invalid-panel',
      details: { path: 'options' },
    })
    // The page of an answer that cannot be read says so itself.
    for (const odd of [null, undefined, {}, []]) {
      expect(/<title>.*<.title>/.exec(panelPage(odd as never))?.[0]).toBe(
        '<title>– – first exposures</title>',
      )
    }
  })
})
