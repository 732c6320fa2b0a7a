import { runs } from '../../arbitraries/runs.js'
import { openInProcess } from '../../engine/in-process.js'
import { describeLawsOfCounting } from './laws-of-counting.js'

describeLawsOfCounting('in process', runs(60), async () => {
  const client = openInProcess()
  // Over HTTP the same laws hold on a MergeTree, with its partitions and its index.
  return { client, close: async () => await client.close(), engine: 'Memory' }
})
