import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { Skipped } from './cell.js'

const executablePath = '/usr/bin/chromium'

/** Runs a module in a page that may load nothing and evaluate no text, and returns the first line that it prints. */
export async function inChromium(
  code: string,
): Promise<{ readonly printed: string; readonly version: string }> {
  if (!existsSync(executablePath)) throw new Skipped(`there is no ${executablePath}`)
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    const printed = new Promise<string>((resolve, reject) => {
      page.on('console', (message) => {
        if (message.type() === 'log') resolve(message.text())
        else reject(new Error(message.text()))
      })
      page.on('pageerror', reject)
      setTimeout(reject, 60_000, new Error('the page printed nothing')).unref()
    })
    const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'">`
    const script = code.replaceAll('</script', '<\\/script')
    await page.setContent(`<!doctype html>${policy}<script type="module">${script}</script>`)
    return { printed: await printed, version: browser.version() }
  } finally {
    await browser.close()
  }
}
