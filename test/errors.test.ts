import { ExposureError, isExposureError } from 'first-exposure'
import { describe, expect, test, vi } from 'vitest'
import { kindOf, received } from '../src/errors.js'

describe('ExposureError', () => {
  test('carries code, details and cause', () => {
    const cause = new Error('underneath')
    const error = new ExposureError('malformed-rows', 'Row 3 …', { row: 3 }, { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'ExposureError',
      code: 'malformed-rows',
      message: 'Row 3 …',
      details: { row: 3 },
      cause,
    })
    expect(Object.isFrozen(error.details)).toBe(true)
  })

  test('is known across copies of the package, by code where asked', async () => {
    vi.resetModules()
    const copy = await import('../src/errors.js')
    const foreign = new copy.ExposureError('invalid-spec', 'from the other copy')
    expect(foreign).not.toBeInstanceOf(ExposureError)
    expect(isExposureError(foreign)).toBe(true)
    expect(isExposureError(foreign, 'invalid-spec')).toBe(true)
    expect(isExposureError(foreign, 'invalid-window')).toBe(false)
  })

  test.each([
    null,
    undefined,
    'ExposureError',
    new Error('x'),
    { name: 'ExposureError', code: 'invalid-spec' },
  ])('is not %s', (other) => {
    expect(isExposureError(other)).toBe(false)
  })
})

describe('received', () => {
  test.each<[unknown, string]>([
    ['short', '"short"'],
    ['x'.repeat(60), `"${'x'.repeat(60)}"`],
    ['x'.repeat(61), 'a string of 61 characters'],
    [null, 'null'],
    [undefined, 'undefined'],
    [NaN, 'NaN'],
    [-1, '-1'],
    [12n, '12'],
    [true, 'true'],
    [[1, 2], 'an array of 2'],
    [{ a: 1 }, 'an object'],
    [() => 1, 'a function'],
    [Symbol('s'), 'a symbol'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(NaN), 'an invalid Date'],
    ['2026-06-02T00:00:00Z', '"2026-06-02T00:00:00Z"'],
    ['Europe/Madrid', '"Europe/Madrid"'],
    ['prod:checkout', '"prod:checkout"'],
    ['a@b.example', '"a@b.example"'],
  ])('%s is described as %s', (value, description) => {
    expect(received(value)).toBe(description)
  })

  test.each([
    'postgres://app:hunter2@db.internal/prod',
    'http://ch.internal:8123',
    'connect to HTTPS://ch.internal',
    'default:hunter2@ch.internal',
    'host=db.internal password=hunter2',
    'Server=db;Pwd = hunter2',
    'access_token=hunter2',
    'secretKey = hunter2',
    'https://ch.internal/'.padEnd(60, 'x'),
  ])('%s is not repeated', (address) => {
    expect(received(address)).toBe('an address')
  })
})

describe('kindOf', () => {
  test.each<[unknown, string]>([
    ['hunter2', 'a string'],
    ['', 'a string'],
    [8123, 'a number'],
    [12n, 'a bigint'],
    [true, 'a boolean'],
    [['hunter2'], 'an array'],
    [{ a: 1 }, 'an object'],
    [new Date(0), 'an object'],
    [() => 1, 'a function'],
    [Symbol('hunter2'), 'a symbol'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('%s is %s', (value, kind) => {
    expect(kindOf(value)).toBe(kind)
  })
})
