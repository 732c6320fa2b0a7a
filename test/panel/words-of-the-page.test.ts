import { exposureSpec, initialRefreshState, summarizeExposureLedger } from 'first-exposure'
import { exposuresAnswer } from 'first-exposure/panel'
import { describe, expect, test } from 'vitest'
import { statusWords } from '../../src/panel/browser/status-words.js'
import { crossedInWords, medianInWords } from '../../src/panel/crossover-words.js'
import { ledgerLines, ledgerSentences, ledgerSum } from '../../src/panel/ledger-words.js'
import { panelWords } from '../../src/panel/panel-words.js'
import { partOfView } from '../../src/panel/part-of-view.js'
import { sliceLabel, slicesInWords } from '../../src/panel/slice-words.js'
import { excludedInWords, healthInWords } from '../../src/panel/split-words.js'
import { shortened } from '../../src/panel/variant-label.js'
import type { ExposuresView } from '../../src/view/exposures-view.js'

const words = panelWords()

describe('a ledger, line by line', () => {
  const row = { variant: null, identities: 0, lateness_seconds: [] }
  const ledger = summarizeExposureLedger([
    { ...row, entry: 'no-variant', events: 2 },
    { ...row, variant: 'a', entry: 'exposure', events: 6 },
    { ...row, variant: 'b', entry: 'exposure', events: 4 },
    { ...row, entry: 'quarantined', events: 3, identities: 1 },
    { ...row, variant: 'a', entry: 'counted', events: 5, identities: 3 },
    { ...row, variant: 'b', entry: 'counted', events: 2, identities: 2 },
  ])

  test('each line says what is there or what is removed, and the shares add up', () => {
    const lines = ledgerLines(ledger, words)
    expect(
      lines
        .filter(({ events }) => events > 0)
        .map(({ kind, label, events, share }) => [kind, label, events, share]),
    ).toEqual([
      ['total', 'Scanned', 12, '100.00%'],
      ['less', 'Without a variant', 2, '16.67%'],
      ['total', 'Exposures', 10, '83.33%'],
      ['less', 'Duplicates', 2, '16.66%'],
      ['less', 'Quarantined', 3, '25.00%'],
      ['total', 'First exposures', 5, '41.67%'],
    ])
    expect(lines.map(({ label, byVariant }) => [label, byVariant])).toEqual(
      expect.arrayContaining([
        ['Exposures', { a: 6, b: 4 }],
        ['Duplicates', { a: 2 }],
        ['Quarantined', null],
        ['First exposures', { a: 3, b: 2 }],
      ]),
    )
  })

  test('the sum of its parts, without the empty ones', () => {
    expect(ledgerSum(ledger, words)).toBe(
      '12 scanned = 3 quarantined + 2 duplicates + 5 first exposures + 2 without a variant.',
    )
    expect(ledgerSum(summarizeExposureLedger([]), words)).toBe('0 scanned = 0.')
    expect(ledgerLines(summarizeExposureLedger([]), words).map(({ share }) => share)).toContain('–')
  })

  test('variants that nobody configured, five of them by name', () => {
    const strays = (keys: string): string =>
      ledgerSentences(
        {
          ...ledger,
          unconfigured: Object.fromEntries(Array.from(keys, (key) => [key, { events: 2, identities: 1 }])),
        },
        words,
      ).join(' ')
    expect(strays('')).toContain('All variants seen are configured.')
    expect(strays('c')).toContain('Not configured: c with 2 exposures and 1 identity counted.')
    expect(strays('cdefghi')).toContain('g with 2 exposures and 1 identity counted and 2 more.')
  })

  test('how late events arrived', () => {
    const lateness = {
      events: 10,
      lateEvents: 1,
      p50Seconds: 0,
      p90Seconds: 90,
      p99Seconds: 7200,
      maxSeconds: 172_800,
    }
    expect(ledgerSentences({ ...ledger, lateness }, words).slice(-2)).toEqual([
      'Of 10 exposures whose arrival is known, half arrived within a second, 90% within 90 seconds, ' +
        '99% within 2 hours, the last after 2 days.',
      '1 of them (10.00%) arrived after the end of its bucket.',
    ])
  })

  test('what aliases did', () => {
    const aliases = {
      joinedIdentifiers: 7,
      ambiguousIdentifiers: 1,
      chainedIdentifiers: 0,
      quarantinedByJoining: 2,
    }
    expect(ledgerSentences({ ...ledger, aliases }, words)).toEqual(
      expect.arrayContaining([
        '7 identifiers were joined to others by aliases.',
        '1 identifier has an ambiguous alias and was not joined.',
        '2 identities are quarantined only because their identifiers were joined.',
      ]),
    )
  })
})

describe('crossovers', () => {
  const peak = { bucket: '2026-06-03', identities: 4, firstVariant: 'a', nextVariant: 'b' }
  test('how many there were, and when most of them', () => {
    const said = (identities: number, granularity: 'hour' | 'day'): string =>
      crossedInWords({ identities, granularity, peak }, 200, (bucket) => `<${bucket}>`, words)
    expect(said(8, 'day')).toBe(
      '8 of 200 identities seen (4.00%) were exposed to more than one variant; ' +
        'the day on which most of them changed was <2026-06-03>, with 4.',
    )
    expect(said(8, 'hour')).toContain('the hour in which most of them changed')
    expect(said(0, 'day')).toBe('Nobody was exposed to more than one variant.')
  })

  test('how long between', () => {
    expect(medianInWords(0, words)).toBe('none')
    expect(medianInWords(7_200_000, words)).toBe('2 hours')
  })
})

describe('slices', () => {
  type Slices = Parameters<typeof slicesInWords>[0]
  const judged = (status: string, reason: string | null, familySize: number): Slices =>
    ({
      slices: [{ status: 'mismatch' }, { status: 'consistent' }],
      status,
      reason,
      familySize,
    }) as unknown as Slices

  test('their names', () => {
    expect(sliceLabel({ kind: 'other', value: null }, words)).toBe('(all others)')
    expect(sliceLabel({ kind: 'none', value: null }, words)).toBe('(no value)')
    expect(sliceLabel({ kind: 'value', value: 'ios' }, words)).toBe('ios')
    expect(sliceLabel({ kind: 'value', value: 'ios ' }, words)).toBe('ios\\u0020')
    expect(sliceLabel({ kind: 'value', value: '' }, words)).toBe('(empty)')
  })

  test('the verdict on all of them', () => {
    expect(slicesInWords(judged('mismatch', null, 2), words)).toMatchObject({
      tone: 'bad',
      headline: 'The split is off in 1 of 2 slices',
      sentences: [expect.stringContaining('looking at 2 slices (Holm, 1979)')],
    })
    expect(slicesInWords(judged('consistent', null, 2), words)).toMatchObject({
      tone: 'good',
      headline: 'No mismatch found in any slice',
    })
    expect(slicesInWords(judged('not-enough-traffic', 'Too few.', 0), words)).toEqual({
      tone: 'neutral',
      headline: 'The slices cannot be judged',
      sentences: ['Too few.'],
    })
  })
})

describe('the traffic', () => {
  type Health = Parameters<typeof healthInWords>[0]
  type Excluded = Parameters<typeof excludedInWords>[0]

  test('an arm that fell silent, and fewer identities than usual', () => {
    const arms = [
      { variant: 'a', isSilent: false, othersSince: 0, lastSeen: null },
      { variant: 'b', isSilent: true, othersSince: 120, lastSeen: '2026-06-03T00:00:00.000Z' },
    ]
    const health = (status: string, usual: number | null): Health =>
      ({ arms, rate: { status, recent: 30, usual } }) as unknown as Health
    expect(healthInWords(health('usual', 100), words)).toEqual([
      'b has no identity any more, while 120 identities fell on the other variants: look whether it is still served.',
    ])
    expect(healthInWords(health('fallen', 100), words)[1]).toBe(
      'The last 24 hours brought 30 identities, 30.00% of the usual 100: look whether exposures still arrive.',
    )
    expect(healthInWords(health('fallen', null), words)).toHaveLength(1)
    const never = { arms: [{ ...arms[1], lastSeen: null }], rate: { status: 'usual' } } as unknown as Health
    expect(healthInWords(never, words)).toEqual([
      'b has no identity so far, while 120 identities fell on the other variants: look whether it is served.',
    ])
  })

  test('who is excluded', () => {
    const excluded = (
      status: string,
      excludedIdentities: number | null,
      seenIdentities: number | null,
    ): Excluded => ({ status, excludedIdentities, seenIdentities }) as unknown as Excluded
    const seen = '3 of 100 identities seen (3.00%) were in several variants and are excluded.'
    expect(excludedInWords(excluded('not-computable', null, null), 'quarantine', words)).toEqual([
      'The excluded share cannot be computed.',
    ])
    expect(excludedInWords(excluded('acceptable', 0, 0), 'quarantine', words)).toEqual([
      'Nobody was seen, so nobody is excluded.',
    ])
    expect(excludedInWords(excluded('warning', 3, 100), 'quarantine', words)).toEqual([
      seen,
      expect.stringContaining('more than the 1%'),
    ])
    expect(excludedInWords(excluded('acceptable', 3, 100), 'quarantine', words)).toEqual([
      seen,
      words.say('excludedAcceptable'),
    ])
    expect(excludedInWords(excluded('not-enough-traffic', 3, 100), 'quarantine', words)).toEqual([seen])
    // Under the other policy nobody is: how many were in several variants is not known.
    expect(excludedInWords(excluded('acceptable', 0, 100), 'first-seen', words)).toEqual([
      'An identity in several variants counts in the first one, so none is excluded.',
    ])
    // The count of a former question, which excluded some.
    expect(excludedInWords(excluded('acceptable', 3, 100), 'first-seen', words)[0]).toBe(seen)
  })
})

test('an experiment is only said to start at an instant that is to come', () => {
  const startedAt = Date.UTC(2026, 5, 1)
  const sentences = (endedAt: number | null, now: number) =>
    statusWords(
      exposuresAnswer({
        state: initialRefreshState,
        experiment: { startedAt, endedAt },
        spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
        now,
      }),
      'UTC',
      true,
      false,
      words,
    ).sentences
  expect(sentences(null, startedAt - 1)).toEqual([
    expect.stringContaining('The experiment starts at Jun 1, 2026'),
  ])
  // Cancelled before it began.
  expect(sentences(startedAt, startedAt + 86_400_000)).toEqual(['Nothing has been counted yet.'])
})

test('short forms differ where the texts differ, and stay whole at the worst', () => {
  expect(shortened(['control', 'a-long-name-of-a-variant'], 9)).toEqual(['control', 'a-lo…iant'])
  expect(shortened(['checkout-v1-red-final', 'checkout-v1-blu-final', 'control'], 9)).toEqual([
    'checkout-…ed-final',
    'checkout-…lu-final',
    'control',
  ])
})

describe('a part of a view', () => {
  const day = 86_400_000
  const startMs = Date.UTC(2026, 5, 1)
  const iso = (days: number): string => new Date(startMs + days * day).toISOString()
  const view = {
    window: { startMs, asOfMs: startMs + 4 * day },
    points: [0, 1, 2, 3].map((days) => ({ start: iso(days), end: iso(days + 1) })),
    totals: { a: 4 },
  } as unknown as ExposuresView

  test('the buckets that it touches, with the totals of the whole', () => {
    const part = { startMs: startMs + day, asOfMs: startMs + 2.5 * day }
    expect(partOfView(view, part)).toEqual({ ...view, window: part, points: view.points.slice(1, 3) })
  })

  test('all of it is the view itself', () => {
    expect(partOfView(view, { startMs, asOfMs: startMs + 4 * day })).toBe(view)
  })
})
