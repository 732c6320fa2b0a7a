import { exposedIdentitiesQuery, exposureSpec, exposureWindow, inlineParameters } from 'first-exposure'
import { rolledUp, rollupBackfill, rollupSchema } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../refusal-of.js'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const rolledUpSpec = exposureSpec({ ...spec, source: rolledUp(spec.source, 'by_day') })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const partialDays = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z')

describe('inlineParameters', () => {
  test('writes each value as a literal of its type', () => {
    const query =
      "{a:String} {b:Int64} {c:UInt64} {d:Float64} {e:Bool} {f:Date} {g:Array(String)} {h:Array(Int64)} {i:DateTime('UTC')}"
    const query_params = {
      a: `o'\\x\0`,
      b: -5,
      c: 6,
      d: 0.5,
      e: true,
      f: '2026-06-01',
      g: ["'", 'b'],
      h: [1, 2],
      i: '2026-06-01 00:00:00',
    }
    expect(inlineParameters({ query, query_params })).toBe(
      `'o\\'\\\\x\\0' CAST(-5, 'Int64') CAST(6, 'UInt64') CAST(0.5, 'Float64') true CAST('2026-06-01', 'Date') ['\\'', 'b'] CAST([1, 2], 'Array(Int64)') CAST('2026-06-01 00:00:00', 'DateTime(\\'UTC\\')')`,
    )
  })

  test('refuses a parameter without a value', () => {
    const schema = rollupSchema({ source: spec.source, rollup: 'by_day' })
    expect(refusalOf(() => inlineParameters(schema.backfill))).toMatchObject({
      code: 'invalid-spec',
      details: { path: 'query_params.day' },
    })
    const [ofDay] = rollupBackfill(schema, ['2026-06-01'])
    expect(ofDay && inlineParameters(ofDay)).toContain("CAST('2026-06-01', 'Date')")
    // The name of a method of every object is not the name of a value.
    expect(refusalOf(() => inlineParameters({ query: '{toString:String}', query_params: {} }))).toMatchObject(
      { code: 'invalid-spec' },
    )
  })

  test('refuses a value that is no text, number or boolean, and no list of them', () => {
    const query = 'SELECT {x:String}'
    for (const x of [
      null,
      new Date(0),
      new Map(),
      { a: 1 },
      () => 1,
      [['a'], ['b']],
      [null],
      ['a', undefined],
    ]) {
      expect(refusalOf(() => inlineParameters({ query, query_params: { x: x as never } }))).toMatchObject({
        code: 'invalid-spec',
        details: { path: 'query_params.x' },
      })
    }
    expect(refusalOf(() => inlineParameters({ query } as never))).toMatchObject({
      code: 'invalid-spec',
      details: { path: 'query_params.x', received: 'undefined' },
    })
    for (const statement of [undefined, query]) {
      expect(refusalOf(() => inlineParameters(statement as never))).toMatchObject({
        code: 'invalid-spec',
        details: { path: 'statement' },
      })
    }
  })

  test('writes an identifier as a name, as the server does', () => {
    const query = 'SELECT {c:Identifier} FROM {t:Identifier}'
    expect(inlineParameters({ query, query_params: { c: 'a`b', t: 'db.events' } })).toBe(
      'SELECT `a\\`b` FROM `db.events`',
    )
  })

  test('leaves the parameters that a view is to have', () => {
    const exposed = exposedIdentitiesQuery(spec, window, { prefix: 'e_' })
    const text = inlineParameters(exposed, { except: ['e_start_ms', 'e_as_of_ms'] })
    expect(new Set(text.match(/\{.*?\}/g))).toEqual(new Set(['{e_start_ms:Int64}', '{e_as_of_ms:Int64}']))
    // What stays needs no value.
    expect(
      inlineParameters({ query: '{a:String} {b:String}', query_params: { a: 'x' } }, { except: ['b'] }),
    ).toBe("'x' {b:String}")
  })

  test.each<[path: string, options: object]>([
    ['options.except', { except: ['start'] }],
    ['options.except', { except: ['toString'] }],
    ['options.except', { except: 'start_ms' }],
    ['options.except', { except: [5] }],
    ['options.expect', { expect: ['start_ms'] }],
    ['options', 'start_ms'],
  ] as [string, object][])('refuses %s: %o', (path, options) => {
    expect(refusalOf(() => inlineParameters(exposedIdentitiesQuery(spec, window), options))).toMatchObject({
      code: 'invalid-spec',
      details: { path },
    })
  })

  test('leaves the window of a rollup open too', () => {
    const rolledUpQuery = exposedIdentitiesQuery(rolledUpSpec, partialDays, { prefix: 'e_' })
    const open = inlineParameters(rolledUpQuery, { except: ['e_start_ms', 'e_as_of_ms'] })
    expect(new Set(open.match(/\{\w+:\w+\}/g))).toEqual(new Set(['{e_start_ms:Int64}', '{e_as_of_ms:Int64}']))
  })
})
