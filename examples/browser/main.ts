// Fetches the stored state of an experiment and shows it. Everything is computed in the browser.
import { decodeRefreshState, exposureWindow, refreshStatus, type RefreshSuccess } from 'first-exposure'
import { excludedRatio, sampleRatio, sequentialSampleRatio } from 'first-exposure/statistics'
import { exposuresView } from 'first-exposure/view'
import { colours, linesOf } from './lines-of.js'
import { expectedShares, experiment } from './experiment.js'

// Your service should answer with the text in its store, as `encodeRefreshState` made it.
const stateUrl = '/state.json'

const count = new Intl.NumberFormat('en-US')
const percent = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 2 })

function found(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`The page has no element ${id}.`)
  return element
}

/** Loads the stored state, says what it is, and shows the last good summary. */
async function show(): Promise<void> {
  const response = await fetch(stateUrl)
  if (!response.ok) throw new Error(`${stateUrl} answered with HTTP status ${response.status}.`)
  const status = refreshStatus(decodeRefreshState(await response.text()), experiment, Date.now())
  const success = 'success' in status ? status.success : null
  const asOf = success === null ? '' : `, as of ${new Date(success.asOf).toISOString()}`
  const failure = 'failure' in status && status.failure !== null ? `: ${status.failure.error.message}` : ''
  found('status').textContent = `${status.type}${asOf}${failure}`
  if (success !== null) showSuccess(success)
}

function showSuccess({ asOf, summary }: RefreshSuccess): void {
  const view = exposuresView(summary, {
    window: exposureWindow(experiment.startedAt, asOf),
    variants: Object.keys(expectedShares),
    fillGaps: true,
  })
  found('chart').append(linesOf(view))
  found('chart').hidden = false

  const table = found('variants') as HTMLTableElement
  const body = table.createTBody()
  for (const [index, { key, total, share }] of view.variants.entries()) {
    const row = body.insertRow()
    const head = document.createElement('th')
    head.scope = 'row'
    head.textContent = key
    head.style.borderLeft = `0.5rem solid ${colours[index % colours.length] ?? ''}`
    head.style.paddingLeft = '0.5rem'
    row.append(head)
    // A key is text from elsewhere. Text content never becomes markup.
    for (const text of [count.format(total), percent.format(share)]) row.insertCell().textContent = text
  }
  table.hidden = false

  const totals = Object.fromEntries(view.variants.map(({ key, total }) => [key, total]))
  const once = sampleRatio(totals, expectedShares)
  const sequential = sequentialSampleRatio(view, expectedShares)
  const split = found('split')
  split.textContent =
    `Sample ratio: ${once.status}${once.pValue === null ? '' : ` (p = ${once.pValue.toPrecision(3)})`}; ` +
    `with a look after every bucket: ${sequential.status}.`
  split.classList.toggle('mismatch', once.status === 'mismatch' || sequential.status === 'mismatch')

  const excluded = excludedRatio(view)
  found('excluded').textContent =
    `${count.format(view.excludedIdentities)} identities were in several variants and are excluded` +
    (excluded.share === null ? '.' : `: ${percent.format(excluded.share)} of those seen.`)
}

try {
  await show()
} catch (error) {
  found('status').textContent = error instanceof Error ? error.message : String(error)
}
