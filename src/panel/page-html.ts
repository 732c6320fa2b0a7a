import type { PanelAppearance } from './browser/mount-panel.js'
import { anObject, aString, oneOf, withFields } from '../checks.js'
import { invalidPanel } from '../errors.js'
import { aTimeZone } from '../time/time-zone.js'
import type { ExposuresAnswer } from './exposures-answer.js'
import type { PageScript } from './page-script.js'
import { panelWords } from './panel-words.js'

/** The addresses that a live page asks, on the server that it came from. Both answer with an {@link ExposuresAnswer}. */
export interface PanelService {
  /** Asked with GET: what to show now. */
  readonly exposuresUrl: string
  /** Asked with POST to request a refresh. It may answer before the refresh has ended, with any HTTP status. */
  readonly refreshUrl: string
}

/** How a page reads, and whether it stays up to date. Every option has a default. */
export interface PanelPageOptions extends PanelAppearance {
  /** Where to ask for changes and for a refresh. If left out, the page never changes and asks nobody. */
  readonly service?: PanelService
}

/** What a page carries inside for its script. */
export interface EmbeddedPanel {
  readonly answer: ExposuresAnswer
  readonly options: PanelAppearance
  readonly service: PanelService | null
}

/** The page of `panelPage`, with a given script. */
export function pageHtml(
  answer: ExposuresAnswer,
  given: PanelPageOptions,
  { code, hash, licences }: PageScript,
): string {
  const { service, ...options } = anObject(given, 'options', invalidPanel) as PanelPageOptions
  withFields(options, ['locale', 'labels', 'timeZone', 'dir'], 'options', invalidPanel, '')
  const { locale, labels, timeZone, dir } = options
  if (timeZone !== undefined) aTimeZone(timeZone, 'timeZone', invalidPanel)
  if (dir !== undefined) oneOf(['ltr', 'rtl'])(dir, 'dir', invalidPanel)
  if (service !== undefined) {
    withFields(service, ['exposuresUrl', 'refreshUrl'], 'service', invalidPanel)
    aString(service.exposuresUrl, 'service.exposuresUrl', invalidPanel)
    aString(service.refreshUrl, 'service.refreshUrl', invalidPanel)
  }
  const { say, locale: language } = panelWords({
    ...(locale === undefined ? {} : { locale }),
    ...(labels === undefined ? {} : { labels }),
  })
  // An answer that cannot be read has none: the page says so where it shows the panel.
  const { title = '–' } = Object(answer) as Partial<ExposuresAnswer>
  const policy = [
    "default-src 'none'",
    `script-src '${hash}'`,
    'img-src data:',
    ...(service === undefined ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ]
  return `<!doctype html>
<html lang="${language}"${dir === undefined ? '' : ` dir="${dir}"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapedText(say('pageTitle', { title }))}</title>
</head>
<body>
<main id="panel"></main>
<noscript><p>${escapedText(say('needsScript'))}</p></noscript>
<footer><details><summary>${escapedText(say('licences'))}</summary><pre tabindex="0">${escapedText(licences)}</pre></details></footer>
<script type="application/json" id="panel-data">${embeddedJson({ answer, options, service: service ?? null } satisfies EmbeddedPanel)}</script>
<script>${code}</script>
</body>
</html>
`
}

/**
 * Data as JSON for a `<script type="application/json">`. No text in it can end the element, open a comment or break a
 * line, and `JSON.parse` gives the data back unchanged.
 */
export function embeddedJson(data: unknown): string {
  return JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Any text, escaped for an element that contains only text. */
function escapedText(text: string): string {
  return text
    .replace(/[^\P{Cc}\n]+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
}
