import { assertOptions } from './assert-options.js'
import { exposureSource, type ExposureSource, type ExposureSourceInput } from './exposure-source.js'
import type { SourceColumn } from './source-column.js'

/** Where GrowthBook's exposures are, where that is not the default. */
export interface GrowthbookViewsOptions {
  /** Default `experiment_views`, of the connection's own database. */
  readonly table?: ExposureSourceInput['table']
  /** The column of the identifier type that the experiment is split by. Default `user_id`. */
  readonly identity?: SourceColumn
}

/**
 * Where are the exposures that GrowthBook records? The `experiment_views` table of its managed warehouse, or any that
 * has its columns.
 *
 * Columns `experiment_id` (the feature), `timestamp`, `variation_id` (the variant) and that of the identifier type,
 * `user_id` unless told otherwise. Every row is an exposure, so there is no event. An experiment's id stands for all
 * environments, so there is no environment either: to look at one, pass `exposureSpec` the filter
 * `{ column: 'environment', equals: 'production' }`. The layout has no column for the arrival.
 *
 * The layout's text is never NULL: an empty identifier is nobody, as everywhere; an empty `variation_id`, which
 * GrowthBook's own SDKs do not send, is a variant like any other and shows as such.
 *
 * The layout is that of GrowthBook's documentation ("Managed Warehouse") and of its `services/clickhouse.ts`.
 *
 * @param options.table - a name, or `{ database, table }`; default `experiment_views`
 * @param options.identity - a column or an expression made by `trustedSql`; default `user_id`
 * @returns a frozen source
 * @throws {@link ExposureError} `invalid-spec`, naming the field
 *
 * @example
 * ```ts
 * import { exposureSpec, growthbookViews } from 'first-exposure'
 *
 * const spec = exposureSpec({
 *   featureName: 'checkout-layout',
 *   source: growthbookViews({ identity: 'device_id' }),
 * })
 * spec.source.columns.variant // => 'variation_id'
 * spec.eventName // => null
 * ```
 */
export function growthbookViews(options: GrowthbookViewsOptions = {}): ExposureSource {
  assertOptions(options, ['table', 'identity'], 'growthbookViews')
  return exposureSource({
    table: options.table ?? 'experiment_views',
    columns: {
      environment: null,
      feature: 'experiment_id',
      event: null,
      timestamp: 'timestamp',
      identity: options.identity ?? 'user_id',
      variant: 'variation_id',
    },
  })
}
