/** How often a property runs: in the hundreds by default; FIRST_EXPOSURE_RUNS multiplies it for a soak. */
export const runs = (byDefault: number): number =>
  Math.ceil(byDefault * Number(process.env['FIRST_EXPOSURE_RUNS'] ?? 1))
