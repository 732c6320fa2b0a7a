import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import {
  exposureFingerprint,
  exposureSpec,
  trustedSql,
  type ExposureSpecInput,
  type ExposureSourceInput,
} from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'

const start = Date.UTC(2026, 5, 1)
const plain: ExposureSpecInput = { environmentKey: 'prod', featureName: 'checkout' }
const of = (input: Partial<ExposureSpecInput> = {}, startedAt: number = start): string =>
  exposureFingerprint(exposureSpec({ ...plain, ...input }), startedAt)
const ofSource = (source: Partial<ExposureSourceInput>): string =>
  of({ source: { table: 'events', ...source } })
const bots = trustedSql`is_bot = ${false}`

describe('exposureFingerprint', () => {
  // A later release that gives another text makes every stored answer an old one.
  test.each([
    ['904bfe3d25ba31ecbbcb64c4cbf018bb', {}],
    [
      'cf6a99eee438c05ed831da99fa5dc12e',
      {
        eventName: ['seen', 'served'],
        timeZone: 'Europe/Madrid',
        multiVariant: 'first-seen',
        filters: [{ column: 'country', in: ['ES', 'PT'] }, bots],
        source: {
          table: { database: 'analytics', table: 'exposures' },
          columns: { identity: trustedSql`lower(${'x'})`, feature: 'experiment' },
          final: true,
        },
      },
    ],
  ] as const)('is the same in every release: %s', (fingerprint, input) => {
    expect(of(input)).toBe(fingerprint)
  })

  test('is the first half of a SHA-256 of plain JSON', () => {
    const text =
      '{"environmentKey":"prod","eventName":"$flag_exposure","featureName":"checkout","multiVariant":"quarantine",' +
      '"source":{"columns":{"environment":"environment_key","event":"event","feature":"feature_name",' +
      '"identity":"identifier","timestamp":"timestamp","variant":"value"},"table":{"table":"events"}},' +
      '"startMs":1780272000000,"timeZone":"UTC"}'
    expect(of()).toBe(createHash('sha256').update(text).digest('hex').slice(0, 32))
  })

  test.each<[string, string]>([
    ['the start', of({}, start + 1)],
    ['environmentKey', of({ environmentKey: 'dev' })],
    ['featureName', of({ featureName: 'Checkout' })],
    ['eventName', of({ eventName: 'seen' })],
    ['several events', of({ eventName: ['$flag_exposure', 'seen'] })],
    ['timeZone', of({ timeZone: 'Europe/Madrid' })],
    ['multiVariant', of({ multiVariant: 'first-seen' })],
    ['a filter', of({ filters: [{ column: 'country', equals: 'ES' }] })],
    ['another value', of({ filters: [{ column: 'country', equals: 'PT' }] })],
    ['another comparison', of({ filters: [{ column: 'country', like: 'ES' }] })],
    ['a number where a text was', of({ filters: [{ column: 'country', equals: 1 }] })],
    ['a text where a number was', of({ filters: [{ column: 'country', equals: '1' }] })],
    ['another column', of({ filters: [{ column: 'city', equals: 'ES' }] })],
    ['an instant', of({ filters: [{ column: 'at', below: new Date(start) }] })],
    ['a later instant', of({ filters: [{ column: 'at', below: new Date(start + 1) }] })],
    ['a list', of({ filters: [{ column: 'country', in: ['ES', 'PT'] }] })],
    ['another list', of({ filters: [{ column: 'country', in: ['ES', 'FR'] }] })],
    ['the opposite of a list', of({ filters: [{ column: 'country', notIn: ['ES', 'PT'] }] })],
    ['trusted SQL', of({ filters: [bots] })],
    ['its text', of({ filters: [trustedSql`is_bot != ${false}`] })],
    ['its value', of({ filters: [trustedSql`is_bot = ${true}`] })],
    ['the order of its values', of({ filters: [trustedSql`has(${['a', 'b']}, x)`] })],
    ['the other order', of({ filters: [trustedSql`has(${['b', 'a']}, x)`] })],
    ['aliases', of({ aliases: { table: 'links', from: 'anonymous_id', to: 'user_id' } })],
    ['aliases of another table', of({ aliases: { table: 'merges', from: 'anonymous_id', to: 'user_id' } })],
    ['aliases the other way round', of({ aliases: { table: 'links', from: 'user_id', to: 'anonymous_id' } })],
    ['a SELECT as the table', ofSource({ table: trustedSql`SELECT * FROM events` })],
    ['another SELECT', ofSource({ table: trustedSql`SELECT * FROM events WHERE is_bot = ${0}` })],
    ['table', ofSource({ table: 'exposures' })],
    ['database', ofSource({ table: { database: 'analytics', table: 'events' } })],
    ['cluster', ofSource({ table: { database: 'analytics', table: 'events' }, cluster: 'main' })],
    ['final', ofSource({ final: true })],
    ...(['environment', 'feature', 'event', 'timestamp', 'identity', 'variant'] as const).flatMap(
      (column): [string, string][] => [
        [column, ofSource({ columns: { [column]: 'other' } })],
        [`${column} as an expression`, ofSource({ columns: { [column]: trustedSql`other` } })],
      ],
    ),
    [
      'no environment',
      exposureFingerprint(
        exposureSpec({
          featureName: 'checkout',
          source: { table: 'events', columns: { environment: null } },
        }),
        start,
      ),
    ],
    ['no event', of({ source: { table: 'events', columns: { event: null } } })],
  ])('another one for %s', (what, fingerprint) => {
    expect(fingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(fingerprint).not.toBe(of())
    all.set(fingerprint, [...(all.get(fingerprint) ?? []), what])
    expect(all.get(fingerprint)).toStrictEqual([what])
  })
  const all = new Map<string, readonly string[]>()

  test.each<[string, string]>([
    [
      'what is passed although it is the default',
      of({ timeZone: 'UTC', filters: [], eventName: '$flag_exposure' }),
    ],
    ['no aliases', of({ aliases: null })],
    ['identityKey', of({ identityKey: 'exact' })],
    ['maxRows', of({ maxRows: 7 })],
    ['breakdown', of({ breakdown: { column: 'country' } })],
    ['the rollup', of({ source: rolledUp(exposureSpec(plain).source, 'rollup') })],
    ['the column of the arrival', ofSource({ columns: { arrival: null } })],
    ['the default event of the source', of({ source: { table: 'events', eventName: '$flag_exposure' } })],
    ['the start as a text', exposureFingerprint(exposureSpec(plain), '2026-06-01T02:00:00+02:00')],
    ['a spec that was completed before', exposureFingerprint(exposureSpec(exposureSpec(plain)), start)],
  ])('the same whatever %s', (_, fingerprint) => {
    expect(fingerprint).toBe(of())
  })

  test('the same where a shard counts its own identities', () => {
    const source = { table: { database: 'analytics', table: 'events' }, cluster: 'main' }
    expect(of({ source: { ...source, shardedByIdentity: true } })).toBe(of({ source }))
  })

  const filter = fc.oneof(
    fc.record({
      column: fc.constantFrom('a', 'b'),
      in: fc.uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
    }),
    fc.record({ column: fc.constantFrom('a', 'b'), notIn: fc.uniqueArray(fc.integer(), { minLength: 1 }) }),
    fc.record({ column: fc.constantFrom('a', 'b'), like: fc.constantFrom('x%', '%x') }),
    fc.integer().map((value) => trustedSql`c = ${value}`),
  )

  test('the order of filters, of the values of a list, and of keys plays no part, nor do repeats', () => {
    fc.assert(
      fc.property(
        fc
          .array(filter, { maxLength: 4 })
          .chain((filters) => fc.tuple(fc.constant(filters), shuffled(filters))),
        ([filters, others]) => {
          const changed = others.map((each) =>
            'in' in each
              ? { in: [...each.in.toReversed(), ...each.in], column: each.column }
              : 'notIn' in each
                ? { notIn: each.notIn.toReversed(), column: each.column }
                : each,
          )
          const spec = exposureSpec({ ...plain, filters })
          const other = exposureSpec({ ...plain, filters: [...changed, ...changed.slice(0, 1)] })
          const upsideDown = Object.fromEntries(Object.entries(other).toReversed()) as typeof spec
          expect(exposureFingerprint(upsideDown, start)).toBe(exposureFingerprint(spec, start))
        },
      ),
      { numRuns: runs(200) },
    )
  })

  test('texts are told apart wherever their parts stand', () => {
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(
        fc.array(filter, { maxLength: 2 }),
        fc.constantFrom('a', 'b', 'a,b'),
        (filters, featureName) => {
          const sorted = filters.map((each) =>
            JSON.stringify(
              'in' in each
                ? { ...each, in: each.in.toSorted() }
                : 'notIn' in each
                  ? { ...each, notIn: each.notIn.toSorted((a, b) => a - b) }
                  : each,
            ),
          )
          const asked = JSON.stringify([[...new Set(sorted)].sort(), featureName])
          const fingerprint = of({ filters, featureName })
          expect(seen.get(fingerprint) ?? asked).toBe(asked)
          seen.set(fingerprint, asked)
        },
      ),
      { numRuns: runs(300) },
    )
  })

  test('misuse', () => {
    const spec = exposureSpec(plain)
    expect(() => exposureFingerprint({ ...spec, featureName: '' }, start)).toThrow(
      expect.objectContaining({ code: 'invalid-spec' }),
    )
    expect(() => exposureFingerprint(spec, '2026-06-01')).toThrow(
      expect.objectContaining({
        code: 'invalid-instant',
        details: expect.objectContaining({ path: 'startedAt' }),
      }),
    )
  })
})

function shuffled<Value>(values: readonly Value[]): fc.Arbitrary<Value[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length })
}
