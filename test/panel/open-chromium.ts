import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

/** Where the browser of the tests is. */
export const executablePath: string = '/usr/bin/chromium'

export const chromiumInstalled: boolean = existsSync(executablePath)

/** A browser that asks nobody but the pages' own servers. */
export function openChromium(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  })
}
