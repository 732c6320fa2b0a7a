// A service that answers from a store and refreshes in the background. `npm start -- --help` says how to start it.
import { panelScript } from './panel/panel-script.js'
import { runHost } from './run-host.js'

await runHost(panelScript)
