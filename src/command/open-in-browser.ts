import { spawn } from 'node:child_process'

/**
 * Shows a file in the user's browser, by what the system has for it.
 *
 * @returns whether it could be started
 */
export function openInBrowser(path: string, platform: string = process.platform): Promise<boolean> {
  const [program, ...args] = opener(path, platform)
  return new Promise((settle) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' })
    child.once('error', () => settle(false))
    // Some openers end at once, others only with the browser.
    const started = setTimeout(() => settle(true), 2000)
    child.once('exit', (code) => {
      clearTimeout(started)
      settle(code === 0)
    })
    child.unref()
  })
}

/** The program that opens a file as if it was clicked, and its arguments. */
export function opener(path: string, platform: string): readonly [program: string, ...args: string[]] {
  if (platform === 'darwin') return ['open', path]
  // The first text in quotes would be the title of a window.
  if (platform === 'win32') return ['cmd', '/c', 'start', '""', path]
  return ['xdg-open', path]
}
