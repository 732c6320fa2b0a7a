import { describe, expect, test } from 'vitest'
import { ExposureError } from 'first-exposure'
import type { RefreshReport } from 'first-exposure/clickhouse'
import { isFailure, logLine } from '../../examples/worker/log-line.js'
import { workerExperiments } from '../../examples/worker/worker-experiment.js'

describe('the log', () => {
  const at = Date.UTC(2026, 5, 1)
  const report = (outcome: RefreshReport['outcome'], key: string | null = 'a'): RefreshReport => ({
    key,
    outcome,
    state: null,
    costs: [11, null].map((readRows) => ({ queryId: 'a', readRows, readBytes: null, elapsedMs: null })),
    failures: 2,
    nextAt: at,
  })
  const secret = Object.assign(new Error('password of db-7'), { code: '08006' })
  const error = { code: 'network', transient: true, message: 'It broke.' }

  test.each([
    [{ type: 'refreshed', asOf: 7 }, { key: 'a', type: 'refreshed', asOf: 7, readRows: 11 }, false],
    [{ type: 'final' }, { key: 'a', type: 'final' }, false],
    [
      { type: 'failed', kind: 'transient', error, retryAfterMs: 5 },
      { key: 'a', type: 'failed', kind: 'transient', error, retryAfterMs: 5, failures: 2 },
      true,
    ],
    [
      { type: 'store-failed', error: secret },
      { key: 'a', type: 'store-failed', code: '08006', failures: 2 },
      true,
    ],
    [
      { type: 'store-failed', error: 'down' },
      { key: 'a', type: 'store-failed', code: null, failures: 2 },
      true,
    ],
    [
      { type: 'refused', error: new ExposureError('invalid-spec', 'Pass more.') },
      { key: 'a', type: 'refused', code: 'invalid-spec', message: 'Pass more.' },
      true,
    ],
    [{ type: 'list-failed', error: new Error('no file') }, { type: 'list-failed', message: 'no file' }, true],
  ] as const)('of %o', (outcome, line, failed) => {
    expect(logLine(report(outcome))).toEqual({ ...line, nextTry: '2026-06-01T00:00:00.000Z' })
    expect(isFailure(report(outcome))).toBe(failed)
  })

  test('a round that is over names no next try', () => {
    expect(logLine({ ...report({ type: 'throttled', retryAfterMs: 5 }), nextAt: null })).toEqual({
      key: 'a',
      type: 'throttled',
      retryAfterMs: 5,
      nextTry: null,
    })
  })
})

describe('the list of experiments', () => {
  const one = {
    key: 'a',
    environmentKey: 'prod',
    featureName: 'a',
    startedAt: '2026-06-01T00:00:00Z',
  }

  test('is what the library calls a spec, and when each ran', () => {
    const [first] = workerExperiments(
      JSON.stringify([
        {
          ...one,
          endedAt: '2026-06-15T00:00:00+02:00',
          timeZone: 'Europe/Madrid',
        },
      ]),
    )
    expect(first?.experiment).toEqual({
      startedAt: Date.UTC(2026, 5, 1),
      endedAt: Date.UTC(2026, 5, 14, 22),
    })
    expect(first?.spec).toMatchObject({
      environmentKey: 'prod',
      featureName: 'a',
      timeZone: 'Europe/Madrid',
    })
  })

  test.each([
    ['{}', /not a list/],
    ['[null]', /Experiment 0 is not an object/],
    ['[{}]', /Experiment 0 has no key/],
    [JSON.stringify([{ ...one, startedAt: '2026-06-01' }]), /Experiment a: .*not an instant/],
    [JSON.stringify([{ ...one, featureName: undefined }]), /Experiment a: .*featureName/],
    [JSON.stringify([{ ...one, endedAt: '2026-05-01T00:00:00Z' }]), /Experiment a: /],
    [JSON.stringify([one, one]), /same key/],
    ['[', /JSON/],
  ])('%s is refused', (json, words) => {
    expect(() => workerExperiments(json)).toThrow(words)
  })
})
