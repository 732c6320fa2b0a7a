import { describe, expect, test } from 'vitest'
// Inside the package only: the checks of what a host passes.
import { aFunction, withMethods } from '../src/checks.js'
import { invalidPolicy } from '../src/errors.js'
import { refusalOf, refused } from './refusal-of.js'

describe('something with methods', () => {
  const check = (value: unknown) =>
    withMethods(value, ['load', 'save'], 'store', invalidPolicy, 'Pass a store.')
  const load = () => undefined

  test('has all of them', () => {
    check({ load, save: load })
    for (const [value, kind] of [
      [{ load }, 'an object'],
      [{ save: load }, 'an object'],
      [{ load, save: true }, 'an object'],
      ['postgres://app:hunter2@db.internal', 'a string'],
      [null, 'null'],
    ] as const) {
      expect(refusalOf(() => check(value))).toEqual(refused('invalid-policy', 'store', kind, 'Pass a store.'))
    }
  })
})

test('a function is one, and what came instead is not repeated', () => {
  aFunction(() => 1, 'now', invalidPolicy)
  expect(refusalOf(() => aFunction('hunter2', 'now', invalidPolicy))).toEqual(
    refused('invalid-policy', 'now', 'a string', 'Pass a function.'),
  )
  expect(refusalOf(() => aFunction({}, 'random', invalidPolicy, 'Pass Math.random or its like.'))).toEqual(
    refused('invalid-policy', 'random', 'an object', 'Pass Math.random or its like.'),
  )
})
