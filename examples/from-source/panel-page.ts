import { resolve } from 'node:path'
import type { panelPage } from 'first-exposure/panel'
import { bundledPageScript } from '../../build/page-script.js'
import { pageHtml } from '../../src/panel/page-html.js'

/** `panelPage` as it will be built from this source. Bundling the page's script takes a second or so. */
export async function panelPageFromSource(): Promise<typeof panelPage> {
  const script = await bundledPageScript(resolve(import.meta.dirname, '../..'))
  return (answer, options = {}) => pageHtml(answer, options, script)
}
