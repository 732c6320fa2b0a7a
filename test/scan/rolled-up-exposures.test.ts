import { exposureSpec, exposureWindow, firstExposuresQuery } from 'first-exposure'
import { rolledUp } from 'first-exposure/rollup'
import { expect, test } from 'vitest'

const window = exposureWindow('2026-06-01T08:00:00Z', '2026-06-15T00:00:00Z')

test.each([
  ['rolled-up-cluster', false, 'hash'],
  ['rolled-up-sharded-exact', true, 'exact'],
] as const)('is this SQL, to the letter: %s', async (name, shardedByIdentity, identityKey) => {
  const source = rolledUp(
    { table: { database: 'exposures', table: 'events' }, cluster: 'warehouse', shardedByIdentity },
    { database: 'exposures', table: 'events_by_day' },
  )
  const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout', source, identityKey })
  await expect(`${firstExposuresQuery(spec, window).query}\n`).toMatchFileSnapshot(`golden/${name}.sql`)
})
