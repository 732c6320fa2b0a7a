/**
 * Pre-aggregation inside ClickHouse, in the order of use: create a rollup, fill it, read through it, audit it, erase from
 * it.
 *
 * @module first-exposure/rollup
 */

export { rollupSchema, type RollupSchema, type RollupSchemaInput } from './rollup-schema.js'
export type { RollupStatement } from './rollup-statement.js'
export { rollupBackfill } from './rollup-backfill.js'
export { rollupMigration } from './rollup-migration.js'
export { rolledUp } from './rolled-up.js'
export { rollupAudit } from './rollup-audit.js'
export { decodeRollupAudit, type RollupAuditDay } from './decode-rollup-audit.js'
export { rollupErasure } from './rollup-erasure.js'
