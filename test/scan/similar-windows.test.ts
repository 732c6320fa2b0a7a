import { expect, test } from 'vitest'
import { similarWindows } from '../../src/scan/similar-windows.js'

const asked = (name: string, startMs: number, asOfMs: number) => ({ name, window: { startMs, asOfMs } })
const names = (groups: ReturnType<typeof similarWindows<ReturnType<typeof asked>>>) =>
  groups.map((group) => group.map(({ name }) => name).join(' '))

test('a group takes at most twice the window of each', () => {
  expect(
    names(
      similarWindows([
        asked('half', 5, 10),
        asked('whole', 0, 10),
        asked('less than half', 6, 10),
        asked('later', 8, 20),
        asked('within later', 12, 18),
      ]),
    ),
  ).toEqual(['later whole', 'within later', 'half less than half'])
})

test('the time of a group grows with each that joins', () => {
  // Two of ten reach from 0 to 16; the third would make it 22, more than twice ten.
  expect(names(similarWindows([asked('a', 0, 10), asked('b', 6, 16), asked('c', 12, 22)]))).toEqual([
    'a b',
    'c',
  ])
  expect(names(similarWindows([asked('a', 0, 10), asked('b', 10, 20), asked('c', 5, 15)]))).toEqual(['a b c'])
  expect(names(similarWindows([asked('b', 10, 20), asked('a', 0, 10), asked('c', 5, 15)]))).toEqual(['b a c'])
  expect(similarWindows([])).toEqual([])
})
