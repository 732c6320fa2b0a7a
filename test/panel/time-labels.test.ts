import { describe, expect, test } from 'vitest'
import { isSameZone, timeTicks, zoneChoices } from '../../src/panel/browser/time-labels.js'
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

describe('the marks of the time axis', () => {
  const hourMs = 3_600_000
  const marksOf = (start: string, end: string, most: number, timeZone = 'UTC'): readonly string[] =>
    timeTicks(Date.parse(`${start}Z`), Date.parse(`${end}Z`), timeZone, most, words).map(({ label }) =>
      label.replaceAll('\u202f', ' '),
    )

  test.each([
    ['2026-06-02T00:00', '2026-06-30T00:00', 3, ['Jun 2', 'Jun 16', 'Jun 30']],
    // No first of a month, and no other step that is wide enough.
    ['2026-06-02T00:00', '2026-06-30T00:00', 2, ['Jun 2', 'Jun 30']],
    ['2026-06-02T00:00', '2026-06-30T00:00', 1, ['Jun 2']],
    ['2026-06-02T00:00', '2026-08-20T00:00', 2, ['Jul 2026', 'Aug 2026']],
    ['2020-06-02T00:00', '2026-06-30T00:00', 2, ['Jan 2021', 'Jan 2024']],
    // Within an hour.
    ['2026-06-02T10:05', '2026-06-02T10:50', 5, ['10:10 AM', '10:20 AM', '10:30 AM', '10:40 AM', '10:50 AM']],
    ['2026-06-02T10:05', '2026-06-02T10:50', 2, ['10:30 AM']],
    ['2026-06-02T10:31', '2026-06-02T10:50', 1, ['10:45 AM']],
    ['2026-06-02T10:31', '2026-06-02T10:34', 9, ['10:31 AM', '10:32 AM', '10:33 AM', '10:34 AM']],
    ['2026-06-02T10:31:05', '2026-06-02T10:31:50', 2, ['10:31 AM', '10:31 AM']],
  ])('from %s to %s, at most %d', (start, end, most, labels) => {
    expect(marksOf(start, end, most)).toEqual(labels)
  })

  test('are hours up to 72 hours, and days beyond', () => {
    const startMs = Date.UTC(2026, 5, 2, 6)
    const labelsOf = (endMs: number): readonly string[] =>
      timeTicks(startMs, endMs, 'UTC', 7, words).map(({ label }) => label.replaceAll('\u202f', ' '))
    expect(labelsOf(startMs + 72 * hourMs)).toEqual([
      '12:00 PM',
      'Jun 3',
      '12:00 PM',
      'Jun 4',
      '12:00 PM',
      'Jun 5',
    ])
    expect(labelsOf(startMs + 72 * hourMs + 1)).toEqual(['Jun 3', 'Jun 4', 'Jun 5'])
  })

  test('are by the zone’s own clock', () => {
    expect(marksOf('2026-06-01T18:20', '2026-06-01T19:05', 3, 'Asia/Kathmandu')).toEqual([
      '12:15 AM',
      '12:30 AM',
      '12:45 AM',
    ])
  })
})
