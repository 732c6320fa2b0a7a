import { describe, expect, test } from 'vitest'
import { ledgerSentences } from '../../src/panel/ledger-words.js'
import { crossoversInWords } from '../../src/panel/crossover-words.js'
import { panelWords } from '../../src/panel/panel-words.js'
import { chance, splitInWords } from '../../src/panel/split-words.js'

const words = panelWords()
type Split = Parameters<typeof splitInWords>[0]

/** Verdicts on a split, with what their words are made of. */
const verdicts = (once: object, sequential: string, assumed: boolean): Split =>
  ({
    sampleRatio: { strays: { variants: [] }, arms: [], pValue: 0.5, ...once },
    sequentialSampleRatio: { status: sequential },
    assumed,
  }) as unknown as Split

describe('a split in words', () => {
  test.each([
    ['consistent', 'consistent', false, 'good', words.say('noMismatch')],
    ['consistent', 'consistent', true, 'good', words.say('noMismatchIfEqual')],
    ['consistent', 'mismatch', false, 'bad', words.say('offForAWhile')],
    ['consistent', 'mismatch', true, 'warning', words.say('offForAWhile')],
    ['mismatch', 'mismatch', false, 'bad', words.say('mismatch')],
    ['mismatch', 'consistent', true, 'warning', words.say('notEqual')],
    ['not-enough-traffic', 'consistent', false, 'neutral', words.say('splitTooEarly')],
    ['not-computable', 'consistent', false, 'neutral', words.say('splitUnknown')],
  ])('%s at the end, %s over time, assumed %s', (status, sequential, assumed, tone, headline) => {
    const found = splitInWords(verdicts({ status, reason: 'Why.' }, sequential, assumed), words)
    expect(found).toMatchObject({ tone, headline })
    expect(found.sentences.length).toBeGreaterThan(0)
  })

  test('says what so many identities could have shown, and who was not expected', () => {
    const variants = Array.from('abcdefg', (variant) => ({ variant, identities: 1 }))
    const once = { status: 'consistent', arms: [{ detectable: { above: 0.512 } }, {}], strays: { variants } }
    const { sentences } = splitInWords(verdicts(once, 'consistent', false), words)
    expect(sentences.join(' ')).toContain(words.say('couldShow', { one: '51.2', other: '48.8' }))
    expect(sentences.join(' ')).toContain('a, b, c, d, e')
    expect(sentences.join(' ')).not.toContain('f, g')
  })

  test.each([
    [0.5003856, 0.5, '50.04:49.96'],
    [0.500001, 0.5, '50.0001:49.9999'],
    [0.9002, 0.9, '90.02:9.98'],
    [0.99996, 0.9999, '99.996:0.004'],
    [1, 0.9, '100:0'],
    [0.553, 0.5, '55.3:44.7'],
  ])(
    'a share of %d, which would have been a mismatch, does not read as the expected %d',
    (above, expectedShare, ratio) => {
      const once = { status: 'consistent', arms: [{ expectedShare, detectable: { above } }, {}] }
      expect(splitInWords(verdicts(once, 'consistent', false), words).sentences).toContain(
        `With this many identities, only ${ratio} or further would have been called a mismatch.`,
      )
    },
  )

  test.each([
    [1, 'all experiments'],
    [0.996, '>99 of 100 experiments'],
    [0.994, '99 of 100 experiments'],
    [0.32, '32 of 100 experiments'],
    [0.01, '1 of 100 experiments'],
    [0.00999, 'one of 100 experiments'],
    [0.00123, 'one of 810 experiments'],
    [1e-12, 'one of 1,000,000,000,000 experiments'],
    [9e-13, 'fewer than one of a trillion experiments'],
  ])('a chance of %d is %s', (pValue, said) => {
    expect(chance(pValue, words)).toBe(said)
  })
})

describe('crossovers in words', () => {
  type Crossovers = Parameters<typeof crossoversInWords>[0]
  const answer = (status: string, assigned: string | null): Crossovers =>
    ({
      crossoverBias: { status, reason: 'Why.', pValue: 0.2 },
      assignedRatio: assigned === null ? null : { status: assigned },
    }) as unknown as Crossovers

  test.each([
    ['consistent', 'quarantine', 'good', 'quarantineEvenly'],
    ['consistent', 'first-seen', 'good', 'crossoversEvenly'],
    ['mismatch', 'quarantine', 'bad', 'quarantineUnevenly'],
    ['mismatch', 'first-seen', 'bad', 'crossoversUnevenly'],
    ['not-enough-traffic', 'quarantine', 'neutral', 'crossoversTooFew'],
    ['not-computable', 'first-seen', 'neutral', 'crossoversUnknown'],
  ] as const)('%s under %s', (status, policy, tone, headline) => {
    expect(crossoversInWords(answer(status, null), policy, words)).toMatchObject({
      tone,
      headline: words.say(headline),
    })
  })

  test('say whether the assignment was as configured', () => {
    const last = (assigned: string): string | undefined =>
      crossoversInWords(answer('mismatch', assigned), 'quarantine', words).sentences.at(-1)
    expect(last('mismatch')).toBe(words.say('assignedMismatch'))
    expect(last('consistent')).toBe(words.say('assignedConsistent'))
    expect(last('not-computable')).toBe(words.say('quarantineBiased'))
    // Nobody is excluded where the first variant counts: no exclusion is to blame.
    expect(crossoversInWords(answer('mismatch', 'consistent'), 'first-seen', words).sentences.at(-1)).toBe(
      words.say('crossoversBiased'),
    )
  })
})

describe('numbers and instants in words', () => {
  test('a probability, however small', () => {
    expect(words.probability(0.0321)).toBe('0.0321')
    expect(words.probability(0.0000321)).toBe('3.2 × 10⁻⁵')
    expect(words.probability(0.0001)).toBe('0.0001')
    expect(words.probability(0.00009999)).toBe('1.0 × 10⁻⁴')
    expect(words.probability(0)).toBe(words.say('below', { value: '10⁻³⁰⁰' }))
  })

  test.each([
    [2 * 86_400_000, '2 days'],
    [2 * 86_400_000 - 1, '48 hours'],
    [2000, '2 seconds'],
    [1000, '1 second'],
    [999, '999 milliseconds'],
  ])('a length of %d ms is %s', (ms, length) => {
    expect(words.duration(ms)).toBe(length)
  })

  test.each([
    [60_000, '1 minute ago'],
    [59_999, 'just now'],
    [-5000, 'just now'],
    [7_199_999, '1 hour ago'],
  ])('an age of %d ms is %s', (ms, age) => {
    expect(words.ago(ms)).toBe(age)
  })

  test('a difference has its sign', () => {
    expect([-3.14, 0, 2].map(words.signed)).toEqual(['−3.1', '0', '+2'])
  })

  test('an instant in a time zone', () => {
    const at = Date.UTC(2026, 5, 1, 12)
    expect(words.instant(at, 'Asia/Tokyo')).toMatch(/^Jun 1, 2026, 9:00\sPM$/)
    expect(words.instant(at, 'UTC')).toMatch(/^Jun 1, 2026, 12:00\sPM$/)
  })

  test('a ledger whose events have no time of arrival', () => {
    const sentences = ledgerSentences(
      {
        scanned: 0,
        parts: [],
        countedIdentities: 0,
        excludedIdentities: 0,
        exposuresByVariant: {},
        unconfigured: null,
        lateness: {
          events: 0,
          lateEvents: 0,
          p50Seconds: null,
          p90Seconds: null,
          p99Seconds: null,
          maxSeconds: null,
        },
        aliases: null,
      },
      words,
    )
    expect(sentences).toContain(words.say('noArrivalTime'))
  })
})
