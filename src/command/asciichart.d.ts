// What the report uses of asciichart, which brings no types.
declare module 'asciichart' {
  interface Asciichart {
    readonly blue: string
    readonly yellow: string
    readonly magenta: string
    readonly green: string
    readonly cyan: string
    colored(text: string, colour: string | undefined): string
    plot(
      series: readonly (readonly number[])[],
      options: {
        readonly min?: number
        readonly max?: number
        readonly height?: number
        /** Where the series begin; the axis is one column before. */
        readonly offset?: number
        /** Origin, axis, two half lines, line, corners ╰ ╭ ╮ ╯, upright. */
        readonly symbols?: readonly string[]
        readonly format?: (value: number) => string
      },
    ): string
  }
  const asciichart: Asciichart
  export default asciichart
}
