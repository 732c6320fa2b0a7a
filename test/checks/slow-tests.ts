// `npm test` answers within two minutes, so these are not in it. Beside each stand the seconds that it takes on 2 cores.

/**
 * What shows on servers and in a browser that all works together, and what happens when something fails:
 * `npm run test:slow`, three minutes. Every commit runs it.
 */
export const slowTests: readonly string[] = [
  'test/**/*.engine.test.ts', // 4 to 25 each
  'test/command/first-and-all-events.property.test.ts', // 25
  'test/command/{file-options,report,terminal}.test.ts', // 15 to 60 each
  'test/**/panel.browser.test.ts', // 75
  'test/**/react.browser.test.ts', // 15
]

/**
 * Laws that are asked of the engine many times, in every layout, zone and version of the analyzer; clusters, examples as
 * services, and the whole panel: `npm run test:long`, seven minutes. `npm run check` runs it, before a release.
 */
export const longTests: readonly string[] = [
  'test/clickhouse/partitions.property.test.ts', // 17
  'test/command/files.test.ts', // 60
  'test/examples/host.test.ts', // 33
  'test/panel/mount-panel.browser.test.ts', // 87
  'test/questions/aliases.{engine,property}.test.ts', // 47, 60
  'test/questions/batch-and-overlap-cluster.engine.test.ts', // 60
  'test/questions/batch/batch.property.test.ts', // 12
  'test/questions/breakdown/breakdowns.property.test.ts', // 19
  'test/questions/crossovers/crossovers.property.test.ts', // 10
  'test/questions/exposed-identities/who-and-how-many.{engine,property}.test.ts', // 50, 10
  'test/questions/overlap/overlap.property.test.ts', // 17
  'test/questions/{crossovers-and-breakdowns,ledger-and-timeline}.engine.test.ts', // 21, 30
  'test/questions/summary/cluster.engine.test.ts', // 43
  'test/questions/summary/laws-over-http.property.test.ts', // 11
  'test/rollup/{cluster.engine,concurrent.engine,sources.engine}.test.ts', // 30 to 64 each
  'test/rollup/{layouts,questions,rollup}.property.test.ts', // 50 each
  'test/scan/{layouts,subqueries}.property.test.ts', // 9 to 30
  'test/scan/unreadable-columns.engine.test.ts', // 32
  'test/sql/inline-parameters.property.test.ts', // 15
  'test/statistics/{calibration,statistics.property}.test.ts', // 38, 21
  'test/time/bucket-starts.property.test.ts', // 20
]
