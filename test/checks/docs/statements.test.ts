import {
  crossoversQuery,
  exposedIdentitiesQuery,
  exposureLedgerQuery,
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  firstExposuresQuery,
  flagsmithEvents,
  identityTimelineQuery,
  overlapQuery,
} from 'first-exposure'
import { rolledUp, rollupAudit, rollupMigration, rollupSchema } from 'first-exposure/rollup'
import { expect, test } from 'vitest'

const input = {
  environmentKey: 'prod',
  featureName: 'checkout',
  breakdown: { column: 'sdk_language', top: 5 },
}
const spec = exposureSpec(input)
const rolledUpSpec = exposureSpec({ ...input, source: rolledUp(flagsmithEvents(), 'exposures_by_identity') })
const window = exposureWindow('2026-06-01T00:00:00Z', '2026-06-15T00:00:00Z')
const { create, days, backfill, correct, erase, drop } = rollupSchema({
  source: flagsmithEvents(),
  rollup: 'exposures_by_identity',
})

/** Every statement of the library, whole, for the default layout. */
const statements: readonly (readonly [name: string, query: string])[] = [
  ['firstExposuresQuery', firstExposuresQuery(spec, window).query],
  ['firstExposuresQuery through a rollup', firstExposuresQuery(rolledUpSpec, window).query],
  [
    'firstExposuresQuery with aliases',
    firstExposuresQuery(
      exposureSpec({ ...input, aliases: { table: 'aliases', from: 'anonymous_id', to: 'user_id' } }),
      window,
    ).query,
  ],
  ['exposedIdentitiesQuery', exposedIdentitiesQuery(spec, window, { dimensions: ['sdk_language'] }).query],
  ['exposuresBreakdownQuery', exposuresBreakdownQuery(spec, window).query],
  ['crossoversQuery', crossoversQuery(spec, window).query],
  ['exposureLedgerQuery', exposureLedgerQuery(spec, window).query],
  ['identityTimelineQuery', identityTimelineQuery(spec, window, 'user-17').query],
  [
    'firstExposuresBatchQuery',
    firstExposuresBatchQuery([
      { spec, window },
      {
        spec: exposureSpec({ ...input, featureName: 'search', timeZone: 'Europe/Madrid' }),
        window: exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T17:30:00Z'),
      },
    ]).query,
  ],
  ['overlapQuery', overlapQuery(spec, exposureSpec({ ...input, featureName: 'search' }), window).query],
  [
    'rollupSchema',
    [...create, days, backfill, ...correct, ...erase, ...drop].map(({ query }) => `${query};`).join('\n\n'),
  ],
  ['rollupAudit', rollupAudit(rolledUpSpec, window).query],
  [
    'rollupMigration',
    `${rollupMigration({ source: flagsmithEvents(), rollup: 'exposures_by_identity' }, 'exposures_by_day')[2]?.query ?? ''};`,
  ],
]

test('the page of statements shows each of them whole', async () => {
  const sections = statements.map(([name, query]) => `## ${name}\n\n\`\`\`sql\n${query}\n\`\`\`\n`)
  const page = `# The statements, whole

Every statement of the library for the default layout, \`flagsmithEvents()\`, as it is sent: for review with those who run
the server. Values travel beside the text, as the parameters in braces. The text may change in any release; what it
answers may not.

${sections.join('\n')}`
  await expect(page).toMatchFileSnapshot('../../../docs/statements.md')
})
