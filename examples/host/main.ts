// A service that answers from a store and refreshes in the background. See `npm start -- --help`.
import { panelPage } from 'first-exposure/panel'
import { runHost } from './run-host.js'

await runHost(panelPage)
