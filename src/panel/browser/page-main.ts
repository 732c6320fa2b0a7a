// The script of a page of panelPage. What to show is in the page itself.
import type { EmbeddedPanel, PanelService } from '../page-html.js'
import { element } from './element.js'
import { mountPanel } from './mount-panel.js'
import { pageStyle } from './panel-style.js'
import type { AskForAnswer } from './refresh-control.js'

const sheet = new CSSStyleSheet()
sheet.replaceSync(pageStyle)
document.adoptedStyleSheets = [sheet]

const root = document.getElementById('panel') ?? document.body
try {
  const text = document.getElementById('panel-data')?.textContent ?? 'null'
  const { answer, options, service } = JSON.parse(text) as EmbeddedPanel
  mountPanel(root, answer, { ...options, ...(service === null ? {} : calls(service)), headingLevel: 1 })
} catch (error) {
  root.append(element('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)))
}

function calls({ exposuresUrl, refreshUrl }: PanelService): {
  readonly onPoll: AskForAnswer
  readonly onRefresh: AskForAnswer
} {
  const ask =
    (url: string, method: 'GET' | 'POST'): AskForAnswer =>
    async (signal) => {
      const headers = { accept: 'application/json' }
      const response = await fetch(url, { method, headers, cache: 'no-store', signal })
      // Its HTTP status can be any: an answer that refuses a refresh says why.
      return response.json().catch(() => {
        throw new Error(`HTTP ${response.status}`)
      })
    }
  return { onPoll: ask(exposuresUrl, 'GET'), onRefresh: ask(refreshUrl, 'POST') }
}
