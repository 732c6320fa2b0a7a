const heights = Array.from('▁▂▃▄▅▆▇█')

/** Counts as a row of small bars, at most `width` of them; `·` stands for 0. */
export function sparkline(counts: readonly number[], width: number): string {
  const perBar = Math.max(1, Math.ceil(counts.length / width))
  const bars = Array.from({ length: Math.ceil(counts.length / perBar) }, (_, bar) =>
    counts.slice(bar * perBar, (bar + 1) * perBar).reduce((sum, count) => sum + count, 0),
  )
  const most = Math.max(...bars)
  return bars
    .map((count) => (count === 0 ? '·' : (heights[Math.ceil((count / most) * heights.length) - 1] ?? '')))
    .join('')
}
