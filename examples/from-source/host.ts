// The host service, with the package from this source. See `npm run host -- --help`.
import { runHost } from '../host/run-host.js'
import { panelPageFromSource } from './panel-page.js'

await runHost(await panelPageFromSource())
