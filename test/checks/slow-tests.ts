/**
 * What shows that the engine itself does as the laws expect, on servers, clusters and odd tables, what starts browsers
 * and services, and what asks thousands of times: `npm run test:slow`. `npm test` leaves it out, to answer within two
 * minutes; `npm run check` runs both.
 */
export const slowTests: readonly string[] = [
  'test/**/*.engine.test.ts',
  'test/**/layouts.property.test.ts',
  'test/**/*.browser.test.ts',
  'test/command/files.test.ts',
  'test/examples/host.test.ts',
  'test/questions/aliases.property.test.ts',
  'test/rollup/{questions,rollup}.property.test.ts',
  'test/statistics/calibration.test.ts',
  'test/time/bucket-starts.property.test.ts',
]
