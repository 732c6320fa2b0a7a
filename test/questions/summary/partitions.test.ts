import { exposureSpec, exposureWindow, firstExposuresQuery, type IdentityPartition } from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { describe, expect, test } from 'vitest'
import { refusalOf, refused } from '../../refusal-of.js'

const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
const window = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T00:00:00Z')
const partOf = (partition: IdentityPartition) => firstExposuresQuery(spec, window, { partition })

describe('a part of the identities', () => {
  test.each([
    [0, 1],
    [0, 65_536],
    [65_535, 65_536],
  ])('%i of %i is one', (index, of) => {
    expect(partOf({ index, of }).query_params).toMatchObject({ partition_index: index, partition_count: of })
  })

  const count = 'Pass a whole number from 1 to 65,536.'
  test.each([
    ['partition.of', '0', count, { index: 0, of: 0 }],
    ['partition.of', '-1', count, { index: 0, of: -1 }],
    ['partition.of', '1.5', count, { index: 0, of: 1.5 }],
    ['partition.of', '65537', count, { index: 0, of: 65_537 }],
    ['partition.index', '-1', 'Pass a whole number from 0 to 2.', { index: -1, of: 3 }],
    ['partition.index', '0.5', 'Pass a whole number from 0 to 2.', { index: 0.5, of: 3 }],
    ['partition.index', '3', 'Pass a whole number from 0 to 2.', { index: 3, of: 3 }],
  ])('%s: received %s. %s', (field, received, advice, partition) => {
    expect(refusalOf(() => partOf(partition))).toEqual({
      code: 'invalid-spec',
      message: `${field} is not usable: received ${received}. ${advice}`,
      details: { path: field, received },
    })
  })

  test('that is none is refused', () => {
    expect(refusalOf(() => partOf(null as never))).toEqual(
      refused('invalid-spec', 'partition', 'null', 'Pass an object.'),
    )
  })

  test.each(['hash', 'exact'] as const)('of a rollup is one more predicate, by %s', (identityKey) => {
    const source = rolledUp({ table: 'events', columns: { identity: 'identity' } }, 'events_by_day')
    const rolled = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source, identityKey })
    const lines = (partition?: IdentityPartition): string[] =>
      firstExposuresQuery(rolled, window, partition && { partition })
        .query.split('\n')
        .map((line) => line.trim().replace(/^(WHERE|AND) /, ''))
    const whole = lines()
    expect(lines({ index: 1, of: 2 }).filter((line) => !whole.includes(line))).toEqual([
      "cityHash64('partition', assumeNotNull(identity_)) % {partition_count:UInt64} = {partition_index:UInt64}",
    ])
  })
})
