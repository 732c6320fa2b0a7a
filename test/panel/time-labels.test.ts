import { describe, expect, test } from 'vitest'
import { isSameZone, zoneChoices } from '../../src/panel/browser/time-labels.js'
import { panelWords } from '../../src/panel/panel-words.js'

const words = panelWords()

describe('two names of a zone', () => {
  test.each([
    ['Asia/Kolkata', 'Asia/Calcutta', true],
    ['Europe/Kyiv', 'Europe/Kiev', true],
    ['UTC', 'Etc/UTC', true],
    ['Zulu', 'GMT', true],
    ['Europe/Madrid', 'Europe/Madrid', true],
    // The same clock today, and perhaps not tomorrow.
    ['Europe/Madrid', 'Europe/Paris', false],
    ['UTC', 'Africa/Abidjan', false],
    ['UTC', 'Europe/London', false],
    ['No/Zone', 'Europe/London', false],
    ['No/Zone', 'No/Zone', true],
  ])('%s and %s: %s', (a, b, same) => {
    expect(isSameZone(a, b)).toBe(same)
    expect(isSameZone(b, a)).toBe(same)
  })

  test('are one choice', () => {
    const zones = zoneChoices('Asia/Kolkata', 'Asia/Calcutta', words).map(({ timeZone }) => timeZone)
    expect(zones).toContain('Asia/Kolkata')
    expect(zones).not.toContain('Asia/Calcutta')
  })
})
