import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { embeddedJson } from './embedded-json.js'
import type { PanelData, PanelService } from './panel-data.js'
import type { PanelScript } from './panel-script.js'

/**
 * The panel as a self-contained HTML page. It makes no network requests, and its content security policy forbids them.
 * Only a page with a `service` asks that service, on the server that the page came from.
 *
 * @param data - what to show
 * @param script - from `panelScript()`; one script serves any number of pages
 * @param service - where to ask for changes and for a refresh; if left out, the page never changes
 */
export function panelPage(data: PanelData, script: PanelScript, service?: PanelService): string {
  const style = readFileSync(new URL('panel.css', import.meta.url), 'utf8')
  const policy = [
    "default-src 'none'",
    `script-src ${sourceHash(script.code)}`,
    `style-src ${sourceHash(style)}`,
    'img-src data:',
    ...(service === undefined ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapedText(data.title)} – first exposures</title>
<style>${style}</style>
</head>
<body>
<main id="panel"></main>
<noscript><p class="no-script">This page needs JavaScript to show its figures. Allow scripts to see them.</p></noscript>
<script type="application/json" id="panel-data">${embeddedJson({ data, service: service ?? null })}</script>
<script type="application/json" id="panel-licences">${embeddedJson(script.licences)}</script>
<script>${script.code}</script>
</body>
</html>
`
}

/** How a content security policy names exactly this text. */
function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** Any text, escaped for an element that contains only text. */
function escapedText(text: string): string {
  return text
    .replace(/[\p{Cc}]+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
}
