import type { RefreshReport } from 'first-exposure/clickhouse'

/**
 * A report as plain data for a log, without secrets. Our own errors say what to fix and contain none. Of what a store
 * throws, only the code is safe.
 */
export function logLine({
  key,
  outcome,
  costs,
  failures,
  nextAt,
}: RefreshReport): Readonly<Record<string, unknown>> {
  const nextTry = nextAt === null ? null : new Date(nextAt).toISOString()
  switch (outcome.type) {
    case 'refused':
      return { key, type: outcome.type, code: outcome.error.code, message: outcome.error.message, nextTry }
    case 'store-failed': {
      const { code } = outcome.error as { readonly code?: unknown }
      return { key, type: outcome.type, code: typeof code === 'string' ? code : null, failures, nextTry }
    }
    case 'list-failed':
      return { type: outcome.type, message: (outcome.error as Error).message, nextTry }
    case 'failed':
      return { key, ...outcome, failures, nextTry }
    case 'refreshed': {
      const readRows = costs.reduce((sum, cost) => sum + (cost.readRows ?? 0), 0)
      return { key, ...outcome, readRows, nextTry }
    }
    default:
      return { key, ...outcome, nextTry }
  }
}

/** Whether somebody should look at it. */
export function isFailure({ outcome }: RefreshReport): boolean {
  return ['failed', 'refused', 'store-failed', 'list-failed'].includes(outcome.type)
}
