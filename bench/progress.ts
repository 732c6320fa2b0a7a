import { Presets, SingleBar } from 'cli-progress'

/** Progress in a known number of steps, shown on standard error if that is a terminal. */
export interface Progress {
  readonly step: (title: string) => void
  readonly end: () => void
}

export function showSteps(total: number): Progress {
  if (!process.stderr.isTTY) return { step: () => undefined, end: () => undefined }
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total} · {duration_formatted} · {title}',
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  )
  bar.start(total, 0, { title: '' })
  let done = -1
  return {
    step: (title) => bar.update(++done, { title }),
    end: () => bar.stop(),
  }
}
