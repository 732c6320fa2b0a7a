import { exposureSpec, postHogEvents, type TrustedSql } from 'first-exposure'
import { describe, expect, test } from 'vitest'

const noVariantOf = (options: Parameters<typeof postHogEvents>[0]): unknown =>
  (postHogEvents(options).columns.variant as TrustedSql).values[0]

describe('postHogEvents', () => {
  test('reads the person, or the id that the event was sent under', () => {
    expect(postHogEvents().columns.identity).toBe('person_id')
    expect(postHogEvents({ identity: 'person_id' }).columns.identity).toBe('person_id')
    expect(postHogEvents({ identity: 'distinct_id' }).columns.identity).toBe('distinct_id')
  })

  test('false is a variant of a boolean flag, and of no other', () => {
    expect(noVariantOf({})).toEqual(['', 'null', 'false'])
    expect(noVariantOf({ booleanFlag: false })).toEqual(['', 'null', 'false'])
    expect(noVariantOf({ booleanFlag: true })).toEqual(['', 'null'])
  })

  test('reads the columns that are materialised, and the properties otherwise', () => {
    const flag = postHogEvents({ materialized: ['$feature_flag'] }).columns
    expect(flag.feature).toBe('mat_$feature_flag')
    expect((flag.variant as TrustedSql).sql.join('?')).toContain(
      "JSONExtractString(properties, '$feature_flag_response')",
    )
    const response = postHogEvents({ materialized: ['$feature_flag_response'] }).columns
    expect((response.feature as TrustedSql).sql).toEqual(["JSONExtractString(properties, '$feature_flag')"])
    expect((response.variant as TrustedSql).sql.join('?')).toBe(
      'if(has(?, "mat_$feature_flag_response"), NULL, "mat_$feature_flag_response")',
    )
  })
})

test('a source keeps no field that nobody gave', () => {
  const { source } = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source: { table: 't' } })
  expect(Object.keys(source)).toEqual(['table', 'columns', 'cluster', 'shardedByIdentity'])
})
