// The host service with the package from this source. `npm run host -- --help` says how to start it.
import { runHost } from '../host/run-host.js'
import { panelScriptFromSource } from './panel-script.js'

await runHost(panelScriptFromSource)
