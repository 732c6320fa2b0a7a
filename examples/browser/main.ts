// Fetches the stored state of an experiment and shows it. Everything is computed in the browser.
import { decodeRefreshState } from 'first-exposure'
import { exposuresAnswer, mountPanel, type ExposuresAnswer } from 'first-exposure/panel'
import { expectedShares, experiment, spec } from './experiment.js'

// Your service should answer with the text in its store, as `encodeRefreshState` made it.
const stateUrl = '/state.json'

/** Asks for the stored state, and says what it means now. */
async function answer(signal: AbortSignal): Promise<ExposuresAnswer> {
  const response = await fetch(stateUrl, { signal })
  if (!response.ok) throw new Error(`${stateUrl} answered with HTTP status ${response.status}.`)
  const state = decodeRefreshState(await response.text())
  return exposuresAnswer({ state, experiment, spec, expectedShares, now: Date.now() })
}

const place = document.querySelector('main')
if (place !== null) mountPanel(place, null, { headingLevel: 1, onPoll: answer })
