// The script of a panel's page. What to show is in the page itself.
import type { PanelData, PanelService } from '../panel-data.js'
import { element } from './element.js'
import { mountPanel } from './panel.js'

function embedded(id: string): unknown {
  return JSON.parse(document.getElementById(id)?.textContent ?? 'null')
}

const root = document.getElementById('panel') ?? document.body
try {
  const { data, service } = embedded('panel-data') as { data: PanelData; service: PanelService | null }
  mountPanel(root, data, service, () => String(embedded('panel-licences')))
} catch (error) {
  root.replaceChildren(
    element('h1', {}, 'This panel cannot be shown'),
    element('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)),
  )
}
