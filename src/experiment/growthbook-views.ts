import { withFields } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { exposureSource, type ExposureSource, type ExposureSourceInput } from './exposure-source.js'
import type { SourceColumn } from './source-column.js'

/** Where GrowthBook's exposures are, if they are not in the default place. */
export interface GrowthbookViewsOptions {
  /** Default `experiment_views`, of the connection's own database. */
  readonly table?: ExposureSourceInput['table']
  /** The column of the identifier type that the experiment is split by. Default `user_id`. */
  readonly identity?: SourceColumn
}

/**
 * Where are the exposures that GrowthBook records? They are in the `experiment_views` table of its managed warehouse,
 * or in any table with the same columns.
 *
 * It reads `experiment_id` (the feature), `timestamp`, `variation_id` (the variant) and the column of the identifier
 * type, which is `user_id` by default. Every row is an exposure, so there is no event. An experiment has the same id in
 * every environment, so there is no environment either. To read one environment, pass `exposureSpec` the filter
 * `{ column: 'environment', equals: 'production' }`. The layout has no column for the arrival.
 *
 * Text in this layout is never NULL. As everywhere, an empty identifier is not an identity. An empty `variation_id` is
 * a variant like any other; GrowthBook's own SDKs do not send one.
 *
 * The layout is the one in GrowthBook's documentation ("Managed Warehouse") and in its `services/clickhouse.ts`.
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
  withFields(options, ['table', 'identity'], 'growthbookViews', invalidSpec)
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
