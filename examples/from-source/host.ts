// The host service, with the package from this source. See `npm run host -- --help`.
import { runHost } from '../host/run-host.js'
import { panelScriptFromSource } from './panel-script.js'

await runHost(panelScriptFromSource)
