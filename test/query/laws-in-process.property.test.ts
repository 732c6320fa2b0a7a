import { runs } from '../arbitraries/runs.js'
import { openInProcess } from '../engine/in-process.js'
import { describeLawsOfCounting } from './laws-of-counting.js'

describeLawsOfCounting('in process', runs(60), async () => {
  const client = openInProcess()
  return { client, close: async () => await client.close() }
})
