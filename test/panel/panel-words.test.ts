import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { panelLabels } from 'first-exposure/panel'
import { ledgerLines } from '../../src/panel/ledger-words.js'
import { panelWords, type PanelLanguage } from '../../src/panel/panel-words.js'
import { cut, shortened, visible } from '../../src/panel/variant-label.js'
import { runs } from '../arbitraries/runs.js'
import { variantKey } from '../arbitraries/variant-key.js'
import { refusalOf } from '../refusal-of.js'

const words = panelWords()
const count = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 2 ** 40 }))
/** What a share shows: a number of percents, and whether it says less or more than that. */
const shown = (text: string): { readonly percent: number; readonly sign: string } => ({
  percent: Number(text.replaceAll(/[%<>,]/g, '')),
  sign: /^[<>]/.exec(text)?.[0] ?? '',
})

describe('shares', () => {
  test('of parts sum to 100 % as shown, and each is within a hundredth of the truth', () => {
    fc.assert(
      fc.property(fc.array(count, { minLength: 1, maxLength: 40 }), (parts) => {
        const whole = parts.reduce((sum, part) => sum + part, 0)
        const texts = words.shares(parts)
        if (whole === 0) {
          expect(new Set(texts)).toEqual(new Set(['–']))
          return
        }
        texts.forEach((text, place) => {
          const part = parts[place] ?? 0
          const { percent, sign } = shown(text)
          expect(Math.abs(percent - (100 * part) / whole)).toBeLessThan(0.0101)
          expect(text === '0.00%').toBe(part === 0)
          expect(text === '100.00%').toBe(part === whole)
          if (sign === '<') expect((100 * part) / whole).toBeLessThan(0.01)
        })
        const all = texts.map(shown)
        if (all.every(({ sign }) => sign === '')) {
          expect(Math.round(100 * all.reduce((sum, { percent }) => sum + percent, 0))).toBe(10_000)
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('of one part are never nothing or everything unless they are', () => {
    expect(words.share(5, 216_098)).toBe('<0.01%')
    expect(words.share(216_097, 216_098)).toBe('>99.99%')
    expect(words.share(0, 216_098)).toBe('0.00%')
    expect(words.share(7, 7)).toBe('100.00%')
    expect(words.share(0, 0)).toBe('–')
    expect(words.shares([5, 5, 5])).toEqual(['33.34%', '33.33%', '33.33%'])
  })

  test('of the ledger’s parts add up to those of its totals', () => {
    const names = [
      'no-timestamp',
      'before-window',
      'after-window',
      'filtered',
      'no-variant',
      'no-identity',
      'first-exposure',
      'duplicate',
      'quarantined',
    ] as const
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 100_000 }), { minLength: 9, maxLength: 9 }), (events) => {
        const parts = names.map((part, place) => ({ part, events: events[place] ?? 0, byVariant: {} }))
        const scanned = events.reduce((sum, each) => sum + each, 0)
        const lines = ledgerLines(
          {
            scanned,
            parts,
            countedIdentities: 0,
            excludedIdentities: 0,
            exposuresByVariant: {},
            unconfigured: null,
            lateness: null,
            aliases: null,
          },
          words,
        )
        expect(lines).toHaveLength(11)
        if (scanned === 0 || lines.some(({ share }) => /[<>]/.test(share))) return
        const hundredths = lines.map(({ share }) => Math.round(100 * shown(share).percent))
        const sum = (from: number, to: number): number =>
          hundredths.slice(from, to).reduce((all, each) => all + each, 0)
        expect(hundredths[0]).toBe(10_000)
        expect(sum(1, 8)).toBe(10_000)
        expect(sum(8, 11)).toBe(hundredths[7])
      }),
      { numRuns: runs(200) },
    )
  })
})

describe('names', () => {
  test('are short and all different where the keys are', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc
            .tuple(fc.constantFrom('', 'a-long-prefix-of-many-variants-'), variantKey())
            .map(([a, b]) => a + b),
          { maxLength: 12 },
        ),
        fc.integer({ min: 4, max: 30 }),
        (keys, length) => {
          const texts = keys.map(visible)
          const short = shortened(texts, length)
          const different = new Set(texts).size
          expect(new Set(short).size).toBe(different)
          texts.forEach((text, place) => {
            if (Array.from(text).length <= length) expect(short[place]).toBe(text)
          })
        },
      ),
      { numRuns: runs(300) },
    )
    expect(shortened(['a'.repeat(40), 'b'.repeat(40)], 9)).toEqual(['aaaa…aaaa', 'bbbb…bbbb'])
  })

  test('cut where people count characters', () => {
    expect(cut('👩‍👩‍👧‍👦'.repeat(3), 2)).toBe('👩‍👩‍👧‍👦…')
    expect(cut('abc', 3)).toBe('abc')
  })

  test('cut between code points where the browser cannot tell characters', () => {
    const { Segmenter } = Intl
    try {
      Reflect.deleteProperty(Intl, 'Segmenter')
      expect(cut('👍'.repeat(40), 3)).toBe('👍👍…')
      expect(shortened(['a'.repeat(40)], 9)).toEqual(['aaaa…aaaa'])
    } finally {
      Object.assign(Intl, { Segmenter })
    }
  })

  test.each([
    ['control ', 'control\\u0020'],
    [' control', '\\u0020control'],
    [' ', '\\u0020'],
    ['a  b', 'a \\u0020b'],
    ['a b c', 'a b c'],
    ['a\u00a0b', 'a\\u00a0b'],
    ['大 小', '大 小'],
    ['大\u3000小', '大\u3000小'],
    ['大\u3000', '大\\u3000'],
    ['control\u200b', 'control\\u200b'],
    ['con\u00adtrol', 'con\\u00adtrol'],
    ['\ufeffcontrol', '\\ufeffcontrol'],
    ['a\u200db', 'a\\u200db'],
    ['control\ufe0f', 'control\\ufe0f'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\u3164', '\\u3164'],
    ['\u2800', '\\u2800'],
    ['\t', '\\u0009'],
  ])('show that %j differs from what it looks like', (key, name) => {
    expect(words.name(key)).toBe(name)
  })

  test.each(['👩‍👩‍👧‍👦', '👩🏽‍💻', '❤️', '1️⃣', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', 'کتاب‌ها', 'क्‍ष', '葛󠄀'])(
    'leave what belongs to a writing or a sign: %s',
    (key) => {
      expect(words.name(key)).toBe(key)
    },
  )

  test('come in the order of people: 2 before 10', () => {
    expect(['10', '2', '1', '11'].toSorted(words.compare)).toEqual(['1', '2', '10', '11'])
  })
})

describe('labels', () => {
  test('take the plural form of the language', () => {
    const identityCount = {
      one: '{count} osoba',
      few: '{count} osoby',
      many: '{count} osób',
      other: '{count} osoby',
    }
    const polish = panelWords({ locale: 'pl', labels: { identityCount } })
    expect([1, 3, 5, 22].map((number) => polish.say('identityCount', { count: number }))).toEqual([
      '1 osoba',
      '3 osoby',
      '5 osób',
      '22 osoby',
    ])
    expect(words.say('identityCount', { count: 1 })).toBe('1 identity')
    expect(words.say('excludedShareNote', { count: 1 })).toBe(
      'The share of the excluded is of the 1 identity seen.',
    )
  })

  test('write numbers, shares, lengths and ages as the locale does', () => {
    const german = panelWords({ locale: 'de' })
    expect(german.count(1_234_567)).toBe('1.234.567')
    expect(german.share(1, 3).replaceAll('\u00a0', ' ')).toBe('33,33 %')
    expect(german.duration(22 * 86_400_000)).toBe('22 Tage')
    expect(german.ago(3 * 60_000)).toBe('vor 3 Minuten')
    expect(german.probability(2.5e-10)).toBe('2,5 × 10⁻¹⁰')
    expect(panelWords({ locale: 'ar-EG' }).latinDigits).toBe(false)
  })

  test('have every value that a text of theirs may hold: no brace is left', () => {
    for (const label of Object.values(panelLabels)) {
      for (const form of typeof label === 'string' ? [label] : Object.values(label)) {
        expect(form).not.toMatch(/\{\s|\{\}|\}\}|\{\{/)
      }
    }
  })

  test.each<[string, PanelLanguage, string]>([
    ['a locale that is none', { locale: 'no such' }, 'locale'],
    ['a label that nobody knows', { labels: { refrsh: 'x' } as never }, 'labels.refrsh'],
    ['a label that is no text', { labels: { refresh: 3 as never } }, 'labels.refresh'],
    ['forms without other', { labels: { refresh: { one: 'x' } as never } }, 'labels.refresh'],
  ])('refuse %s', (_, language, path) => {
    expect(refusalOf(() => panelWords(language))).toMatchObject({ code: 'invalid-panel', details: { path } })
  })
})
