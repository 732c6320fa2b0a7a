import { describe, test } from 'vitest'
import { runs } from '../arbitraries/runs.js'
import { engineAvailable } from '../engine/availability.js'
import { openInProcess } from '../engine/in-process.js'
import { describeLawsOfCounting } from './laws-of-counting.js'

if (engineAvailable) {
  describeLawsOfCounting('in process', runs(100), async () => {
    const client = openInProcess()
    return { client, close: async () => await client.close() }
  })
} else {
  describe('the laws of counting, in process', () => {
    test.skip('no embedded ClickHouse for this platform', () => undefined)
  })
}
