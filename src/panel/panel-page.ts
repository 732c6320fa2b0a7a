import type { ExposuresAnswer } from './exposures-answer.js'
import { pageHtml, type PanelPageOptions } from './page-html.js'
import { pageScript } from './page-script.js'

/**
 * The panel as one self-contained HTML page: for a file, a mail, or a server without a front end of its own. It makes no
 * network requests, and its content security policy forbids them. Only a page with a `service` asks that service, on the
 * server that the page came from.
 *
 * It needs a browser of 2023 or later, with scripts.
 *
 * @param answer - what `exposuresAnswer` returned
 * @param options - language, time zone, direction; and the addresses that a live page asks
 * @returns the text of the page, in UTF-8
 * @throws {@link ExposureError} `invalid-panel`, naming the option
 *
 * @example
 * ```ts
 * import { exposureSpec, initialRefreshState } from 'first-exposure'
 * import { exposuresAnswer, panelPage } from 'first-exposure/panel'
 *
 * const answer = exposuresAnswer({
 *   state: initialRefreshState,
 *   experiment: { startedAt: Date.UTC(2026, 5, 1), endedAt: null },
 *   spec: exposureSpec({ environmentKey: 'prod', featureName: 'checkout' }),
 *   now: Date.UTC(2026, 5, 2),
 * })
 * const page = panelPage(answer, { locale: 'de' })
 * page.includes('<html lang="de">') // => true
 * ```
 */
export function panelPage(answer: ExposuresAnswer, options: PanelPageOptions = {}): string {
  return pageHtml(answer, options, pageScript)
}
