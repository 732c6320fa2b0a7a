/** One thing that is tried: what with what. */
export interface Cell {
  /** `Node`, `bundler`, `TypeScript`, … */
  readonly group: string
  /** What is tried, with its version. */
  readonly title: string
  /** Tries it, and says what was run and seen. Throws where it fails, and {@link Skipped} where it cannot be tried. */
  run(): Promise<string>
}

/** Why a cell was not tried. */
export class Skipped extends Error {}

/** Fails a cell whose answer is another than it must be. */
export function mustBe(actual: unknown, expected: unknown): void {
  const [is, must] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (is !== must) throw new Error(`gave ${is}, not ${must}`)
}
