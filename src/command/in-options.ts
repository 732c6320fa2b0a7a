import { isExposureError } from '../index.js'

/** The option of this command for a field of the library's input. */
const optionOf: Readonly<Record<string, string>> = {
  featureName: '--feature',
  environmentKey: '--environment',
  eventName: '--event',
  timeZone: '--time-zone',
  multiVariant: '--policy',
  identityKey: '--identity-key',
  maxRows: '--max-rows',
  'breakdown.column': '--breakdown',
  'breakdown.top': '--top',
  breakdown: '--breakdown',
  'source.table.database': '--database',
  'source.table.table': '--table',
  'source.table': '--table',
  'source.cluster': '--cluster',
  'source.shardedByIdentity': '--sharded-by-identity',
  shardedByIdentity: '--sharded-by-identity',
  'source.final': '--final',
  'source.columns.environment': '--environment-column',
  'source.columns.event': '--event-column',
  'source.columns.feature': '--feature-column',
  'source.columns.identity': '--identity',
  'source.columns.variant': '--variant',
  'source.columns.timestamp': '--timestamp',
  'source.columns.arrival': '--arrival',
  'rollup.database': '--rollup',
  'rollup.table': '--rollup',
  'options.except': '--except',
  'options.dimensions': '--dimension',
  dimensions: '--dimension',
  'options.latenessMs': '--lateness-ms',
  latenessMs: '--lateness-ms',
  'options.limit': '--limit',
  limit: '--limit',
  'options.prefix': '--prefix',
  prefix: '--prefix',
  'partition.of': '--partition',
  'partition.index': '--partition',
  ttlDays: '--ttl-days',
  cluster: '--cluster',
  identity: '--identity-story',
  start: '--start',
  asOf: '--as-of',
  day: '--day',
}

// Longer paths first: `source.table` is the beginning of `source.table.table`.
const paths = Object.keys(optionOf).sort((one, other) => other.length - one.length)

/** What an error of the library says, in the words of this command: its options instead of the fields of its input. */
export function inOptions(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (!isExposureError(error)) return message
  const { path, name = path } = error.details
  const known = typeof name === 'string' ? name : ''
  const inWords = message
    .replaceAll(/,? ?(?:or )?columns: \{ (environment|event): null \}/g, ', or --no-$1-column')
    .replaceAll(/trustedSql`…`(?:, with the text in your code)?/g, '{"sql": "…"} in a --spec')
    .replace(/Name the column in the spec: exposureSpec.*$/, 'Name the column.')
  // A word such as `limit` is the name of a field only where the error is about that field, and begins with it.
  const isWord = (path: string): boolean => /^[a-z]+$/.test(path)
  return paths
    .filter((path) => !isWord(path) || path === known)
    .reduce(
      (text, path) =>
        text.replace(
          new RegExp(`(?<![\\w.-])${path.replaceAll('.', '\\.')}(?![\\w.]*\\w)`, isWord(path) ? '' : 'g'),
          optionOf[path] ?? path,
        ),
      inWords,
    )
}
