// `npm test` answers within two minutes, so these are not in it. Beside each stand the seconds that it takes on 2 cores.

/**
 * What shows on servers and in a browser that all works together, and what happens when something fails:
 * `npm run test:slow`, two minutes. Every commit runs it.
 */
export const slowTests: readonly string[] = [
  'test/**/*.engine.test.ts', // 4 to 25 each
  'test/command/{report,terminal}.test.ts', // 40, 18
  'test/**/panel.browser.test.ts', // 53
  'test/**/react.browser.test.ts', // 13
]

/**
 * Laws that are asked of the engine many times, in every layout, zone and version of the analyzer; files of every form,
 * clusters, examples as services, and the whole panel: `npm run test:long`, eight minutes. `npm run check` runs it,
 * before a release.
 */
export const longTests: readonly string[] = [
  'test/clickhouse/partitions.property.test.ts', // 17
  'test/command/{file-options,files}.test.ts', // 67, 60
  'test/command/first-and-all-events.property.test.ts', // 24
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
  'test/rollup/{cluster,concurrent,declared-columns,sources}.engine.test.ts', // 18 to 64 each
  'test/rollup/{layouts,questions,rollup}.property.test.ts', // 50 each
  'test/scan/{layouts,subqueries}.property.test.ts', // 9 to 30
  'test/scan/unreadable-columns.engine.test.ts', // 32
  'test/sql/inline-parameters.property.test.ts', // 15
  'test/statistics/{calibration,statistics.property}.test.ts', // 38, 21
  'test/time/bucket-starts.property.test.ts', // 20
]
