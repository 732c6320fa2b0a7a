import { assertOptions } from './assert-options.js'
import { exposureSource, type ExposureSource, type ExposureSourceInput } from './exposure-source.js'
import { invalidSpec } from './invalid-spec.js'
import { trustedSql } from './trusted-sql.js'

/** A property of `$feature_flag_called` that the exposures are read from. */
export type PostHogFlagProperty = '$feature_flag' | '$feature_flag_response'

/** Where PostHog's exposures are and how to read them, where that is not the default. */
export interface PostHogEventsOptions {
  /** Default `events`, of the connection's own database. */
  readonly table?: ExposureSourceInput['table']
  /** Whom to count: persons, or the ids that events were sent under. Default `person_id`. */
  readonly identity?: 'person_id' | 'distinct_id'
  /** Whether the flag is a boolean one, whose `false` is a variant beside `true`. Default false. */
  readonly booleanFlag?: boolean
  /** The properties that have a materialised column, named `mat_` and the property. Default none. */
  readonly materialized?: readonly PostHogFlagProperty[]
}

const flagProperties: readonly unknown[] = [
  '$feature_flag',
  '$feature_flag_response',
] satisfies readonly PostHogFlagProperty[]

/**
 * Where are the exposures that PostHog records? The `$feature_flag_called` events of its `events` table.
 *
 * The spec's `environmentKey` is the project's `team_id`, as text: `'1'`. Its `eventName` is `$feature_flag_called`
 * unless it says otherwise. The feature is the property `$feature_flag`, the variant `$feature_flag_response`, both
 * read from the JSON in `properties`, or from `mat_$feature_flag` and `mat_$feature_flag_response` where `materialized`
 * says that they are there: much less to read, and `SELECT name FROM system.columns WHERE comment LIKE
 * 'column_materializer::%$feature_flag%'` lists them. The arrival is `created_at`.
 *
 * A response that is absent, empty or `null` is no exposure: the flag was not known. `true` is the variant `true`.
 * `false` says of a multivariate flag that it is off for that person, who is in none of its variants: no exposure, as
 * PostHog's own experiments have it. Of a boolean flag it is the other arm: say `booleanFlag: true`.
 *
 * A person is who an event's row names: PostHog rewrites the rows of persons that were merged, but not at once. The nil
 * UUID is nobody. Rows that ReplacingMergeTree has not merged yet are duplicates, which change nothing.
 *
 * Always true of it: `team_id`, `event` and `timestamp` are bare columns, so that partitions and the primary key prune.
 * On a cluster the table `events` is a `Distributed` one. PostHog shards by `distinct_id`, so that of the local tables
 * `{ ...postHogEvents({ table: { database: 'posthog', table: 'sharded_events' }, identity: 'distinct_id' }),
 * cluster: 'posthog', shardedByIdentity: true }` may be said.
 *
 * The layout is that of PostHog's `posthog/models/event/sql.py`; the properties are those of its "feature flags" pages.
 *
 * @param options.table - a name, or `{ database, table }`; default `events`
 * @param options.identity - `person_id` (default) or `distinct_id`
 * @param options.booleanFlag - whether `false` is a variant; default false
 * @param options.materialized - `$feature_flag`, `$feature_flag_response`, both or none (default)
 * @returns a frozen source
 * @throws {@link ExposureError} `invalid-spec`, naming the field
 *
 * @example
 * ```ts
 * import { exposureSpec, postHogEvents } from 'first-exposure'
 *
 * const spec = exposureSpec({
 *   environmentKey: '1',
 *   featureName: 'checkout-layout',
 *   source: postHogEvents({ materialized: ['$feature_flag'] }),
 * })
 * spec.eventName // => '$feature_flag_called'
 * spec.source.columns.feature // => 'mat_$feature_flag'
 * spec.source.columns.identity // => 'person_id'
 * ```
 */
export function postHogEvents(options: PostHogEventsOptions = {}): ExposureSource {
  assertOptions(options, ['table', 'identity', 'booleanFlag', 'materialized'], 'postHogEvents')
  const { table = 'events', identity = 'person_id', booleanFlag = false, materialized = [] } = options
  if (identity !== 'person_id' && identity !== 'distinct_id') {
    throw invalidSpec('postHogEvents.identity', identity, "Pass 'person_id' or 'distinct_id'.")
  }
  if (typeof booleanFlag !== 'boolean') {
    throw invalidSpec('postHogEvents.booleanFlag', booleanFlag, 'Pass true or false.')
  }
  if (!Array.isArray(materialized) || !materialized.every((name) => flagProperties.includes(name))) {
    throw invalidSpec(
      'postHogEvents.materialized',
      materialized,
      'Pass a list of $feature_flag and $feature_flag_response.',
    )
  }
  // As text, which is what a materialised column that cannot be NULL holds of an absent property and of JSON's null.
  const noVariant = booleanFlag ? ['', 'null'] : ['', 'null', 'false']
  return exposureSource({
    table,
    columns: {
      environment: 'team_id',
      feature: materialized.includes('$feature_flag')
        ? 'mat_$feature_flag'
        : trustedSql`JSONExtractString(properties, '$feature_flag')`,
      event: 'event',
      timestamp: 'timestamp',
      identity,
      variant: materialized.includes('$feature_flag_response')
        ? trustedSql`if(has(${noVariant}, "mat_$feature_flag_response"), NULL, "mat_$feature_flag_response")`
        : trustedSql`if(has(${noVariant}, JSONExtractString(properties, '$feature_flag_response')), NULL, JSONExtractString(properties, '$feature_flag_response'))`,
      arrival: 'created_at',
    },
    eventName: '$feature_flag_called',
  })
}
