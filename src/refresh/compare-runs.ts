interface Run {
  readonly asOf: number
  readonly at: number
}

/** Which run knows more: negative where `b` does, 0 where neither. By the window's end, then by the instant it reported. */
export function compareRuns(a: Run, b: Run): number {
  return a.asOf - b.asOf || a.at - b.at
}
