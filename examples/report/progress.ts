import { Presets, SingleBar } from 'cli-progress'

/**
 * A bar on standard error, for as long as something lasts; nothing at all where that is no terminal.
 *
 * @param fraction - asked about ten times a second: how far it is, 0 to 1, or `undefined` where nobody knows
 */
export function showProgress(
  title: string,
  fraction: () => Promise<number | undefined>,
): { end(): Promise<void> } {
  if (!process.stderr.isTTY) return { end: async () => undefined }
  const bar = new SingleBar(
    {
      format: `${title} {bar} {percentage}% · {duration_formatted}`,
      barsize: Math.max(10, Math.min(40, (process.stderr.columns ?? 80) - title.length - 16)),
      clearOnComplete: true,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  )
  bar.start(1000, 0)
  const ended = new AbortController()
  const watched = (async () => {
    while (!ended.signal.aborted) {
      const now = await fraction()
      // An estimate may pass the whole; a bar that is full and still there would puzzle.
      if (now !== undefined) bar.update(Math.min(999, Math.floor(now * 1000)))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  return {
    end: async () => {
      ended.abort()
      try {
        await watched
      } finally {
        bar.stop()
      }
    },
  }
}
