import { decodeBucketRows, summarizeExposures } from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import { fittedExponent } from './fitted-exponent.js'
import { median } from './median.js'

/** What one result cost on the client's side, in CPU seconds, including garbage collection. */
export interface ClientSideCost {
  readonly rows: number
  readonly variants: number
  readonly decode: number
  readonly summarize: number
  readonly view: number
}

const variantCounts = [2, 10, 1000]

/** Decodes, summarises and views results of growing size: hourly buckets of few variants, and of a thousand. */
export function measureClientSide(
  rounds: number,
  step: (title: string) => void,
): { readonly costs: readonly ClientSideCost[]; readonly exponents: Readonly<Record<number, number>> } {
  const costs: ClientSideCost[] = []
  for (const variants of variantCounts) {
    for (const size of [250_000, 500_000, 1_000_000]) {
      step(`${size} rows of ${variants} variants`)
      const rows = Array.from({ length: size }, (_, index) => ({
        quarantined: 0,
        variant: `variant-${index % variants}`,
        bucket: new Date(Date.UTC(2000, 0, 1) + Math.floor(index / variants) * 3_600_000)
          .toISOString()
          .slice(0, 19)
          .replace('T', ' '),
        new_identities: 1 + (index % 7),
      }))
      const timed = Array.from({ length: rounds }, () => {
        const at = [cpuSeconds()]
        const lap = <Value>(value: Value): Value => {
          at.push(cpuSeconds())
          return value
        }
        const buckets = lap(decodeBucketRows(rows))
        const summary = lap(summarizeExposures(buckets, { granularity: 'hour' }))
        lap(exposuresView(summary))
        return at.slice(1).map((end, lapIndex) => end - (at[lapIndex] ?? NaN))
      })
      const [decode = NaN, summarize = NaN, view = NaN] = [0, 1, 2].map((lap) =>
        median(timed.map((laps) => laps[lap] ?? NaN)),
      )
      costs.push({ rows: size, variants, decode, summarize, view })
    }
  }
  const exponents = Object.fromEntries(
    variantCounts.map((variants) => [
      variants,
      fittedExponent(
        costs
          .filter((cost) => cost.variants === variants)
          .map(({ rows, decode, summarize, view }) => ({ size: rows, cost: decode + summarize + view })),
      ),
    ]),
  )
  return { costs, exponents }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
