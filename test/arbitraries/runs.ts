const times = Number(process.env['FIRST_EXPOSURE_RUNS'] ?? 1)

/** How often a property runs: in the hundreds by default; FIRST_EXPOSURE_RUNS multiplies it for a soak. */
export const runs = (byDefault: number): number => Math.ceil(byDefault * times)

/** How long a property may take, in milliseconds: a soak has as much more time as it has runs. */
export const timeFor = (byDefault: number): number => byDefault * Math.max(1, times)
