import { Presets, SingleBar } from 'cli-progress'

const patienceMs = 300

/**
 * A progress bar on standard error while something runs. Nothing if standard error is not a terminal.
 *
 * @param fraction - called about ten times a second: the progress from 0 to 1, or `undefined` if it is not known
 */
export function showProgress(
  title: string,
  fraction: () => Promise<number | undefined>,
): { end(): Promise<void> } {
  if (!process.stderr.isTTY) return { end: async () => undefined }
  const bar = new SingleBar(
    {
      format: `${title} {bar} {percentage}% · {duration_formatted}`,
      barsize: Math.max(10, Math.min(40, (process.stderr.columns || 80) - title.length - 16)),
      clearOnComplete: true,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  )
  const ended = new AbortController()
  const watched = (async () => {
    // What is done at once needs no bar that flickers.
    for (let waited = 0; waited < patienceMs && !ended.signal.aborted; waited += 50)
      await new Promise((resolve) => setTimeout(resolve, 50))
    if (!ended.signal.aborted) bar.start(1000, 0)
    while (!ended.signal.aborted) {
      const now = await fraction()
      // An estimate may exceed 1. A bar that is full but does not end would be confusing.
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

/** Does something long, with a bar that shows that it runs. */
export async function withProgress<Value>(title: string, work: () => Promise<Value>): Promise<Value> {
  const progress = showUnknownProgress(title)
  try {
    return await work()
  } finally {
    await progress.end()
  }
}

/** The same where the progress is not known. A bar that slows down at least shows that something is still running. */
export function showUnknownProgress(title: string): { end(): Promise<void> } {
  const began = performance.now()
  return showProgress(title, async () => {
    const seconds = (performance.now() - began) / 1000
    return seconds / (seconds + 2)
  })
}
