// A service that answers from a store and refreshes in the background. See `npm start -- --help`.
import { panelScript } from './panel/panel-script.js'
import { runHost } from './run-host.js'

await runHost(panelScript)
