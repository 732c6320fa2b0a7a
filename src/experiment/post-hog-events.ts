import { aBoolean, aList, oneOf, withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { exposureSource, type ExposureSource, type ExposureSourceInput } from './exposure-source.js'
import { isTrustedSql, trustedSql, type TrustedSql } from '../sql/trusted-sql.js'

/** A property of `$feature_flag_called` that the exposures are read from. */
export type PostHogFlagProperty = '$feature_flag' | '$feature_flag_response'

/** Where PostHog's exposures are and how to read them, if that differs from the default. */
export interface PostHogEventsOptions {
  /** Default `events`, of the connection's own database. */
  readonly table?: ExposureSourceInput['table']
  /**
   * Which identities to count: persons (`person_id`, default), the ids that events were sent with (`distinct_id`), the
   * groups of a group experiment (`$group_0` to `$group_4`), or an expression, for example one that looks up merged
   * persons.
   */
  readonly identity?: 'person_id' | 'distinct_id' | `$group_${0 | 1 | 2 | 3 | 4}` | TrustedSql
  /** Whether the flag is a boolean flag, with `false` as a variant next to `true`. Default false. */
  readonly booleanFlag?: boolean
  /** The properties that have a materialised column, named `mat_` plus the property. Default: no properties. */
  readonly materialized?: readonly PostHogFlagProperty[]
}

const identities: readonly string[] = [
  'person_id',
  'distinct_id',
  '$group_0',
  '$group_1',
  '$group_2',
  '$group_3',
  '$group_4',
]
const flagProperties: readonly PostHogFlagProperty[] = ['$feature_flag', '$feature_flag_response']

/**
 * Where are the exposures that PostHog records? They are the `$feature_flag_called` events of its `events` table.
 *
 * The spec's `environmentKey` is the project's `team_id`, as text: `'1'`. Its default `eventName` is
 * `$feature_flag_called`. Experiments that PostHog began after 1 September 2026 may write `$experiment_exposure`
 * instead, with the same properties. To count both, pass `eventName: ['$feature_flag_called', '$experiment_exposure']`.
 * The feature is the property `$feature_flag`, and the variant is `$feature_flag_response`. Both are read from the JSON
 * in `properties`, or from the columns `mat_$feature_flag` and `mat_$feature_flag_response` if `materialized` names
 * them. With those columns, much less data is read. This lists them: `SELECT name FROM system.columns WHERE comment
 * LIKE 'column_materializer::%$feature_flag%'`. The arrival is `created_at`.
 *
 * An event whose response is absent, empty or `null` is not an exposure: the flag was unknown. `true` is the variant
 * `true`. For a multivariate flag, `false` means that the flag is off for that person, who is in none of its variants.
 * This is not an exposure, as in PostHog's own experiments. For a boolean flag, `false` is the other variant: pass
 * `booleanFlag: true`.
 *
 * Each event row names its person. PostHog rewrites the rows of merged persons, but not immediately. The nil UUID is
 * not an identity. Rows that ReplacingMergeTree has not merged yet are duplicates and change nothing.
 *
 * `team_id`, `event` and `timestamp` are always bare columns, so ClickHouse can use the partitions and the primary key
 * to skip data. On a cluster, the table `events` is a `Distributed` table. PostHog shards by `distinct_id`, so the
 * local tables can be read with `{ ...postHogEvents({ table: { database: 'posthog', table: 'sharded_events' },
 * identity: 'distinct_id' }), cluster: 'posthog', shardedByIdentity: true }`.
 *
 * The layout is the one in PostHog's `posthog/models/event/sql.py`. The properties are those in its "feature flags"
 * pages.
 *
 * @param options.table - a name, or `{ database, table }`; default `events`
 * @param options.identity - `person_id` (default), `distinct_id`, `$group_0` to `$group_4`, or an expression
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
  withFields(options, ['table', 'identity', 'booleanFlag', 'materialized'], 'postHogEvents', invalidSpec)
  const { table = 'events', materialized = [] } = options
  const { identity = 'person_id' } = options
  if (!isTrustedSql(identity)) oneOf(identities)(identity, 'postHogEvents.identity', invalidSpec)
  const booleanFlag = aBoolean(options.booleanFlag ?? false, 'postHogEvents.booleanFlag', invalidSpec)
  aList(materialized, 'postHogEvents.materialized', invalidSpec).forEach((name, index) =>
    oneOf(flagProperties)(name, `postHogEvents.materialized[${index}]`, invalidSpec),
  )
  // A materialised column that cannot be NULL holds this text for an absent property and for a JSON null.
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
