import { decodeBucketRows, summarizeExposures } from 'first-exposure'
import { exposuresView } from 'first-exposure/view'
import { fittedExponent } from './fitted-exponent.js'
import { median } from './median.js'

/** What the client's side cost for one answer, in seconds. */
export interface ClientSideCost {
  readonly rows: number
  readonly variants: number
  readonly decode: number
  readonly summarize: number
  readonly view: number
}

/** Decodes, summarises and shows answers of growing size: hours of 10 variants, and of 1,000. */
export function measureClientSide(
  rounds: number,
  step: (title: string) => void,
): { readonly costs: readonly ClientSideCost[]; readonly exponents: Readonly<Record<number, number>> } {
  const costs: ClientSideCost[] = []
  for (const variants of [10, 1000]) {
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
        const at = [performance.now()]
        const lap = <Value>(value: Value): Value => {
          at.push(performance.now())
          return value
        }
        const buckets = lap(decodeBucketRows(rows))
        const summary = lap(summarizeExposures(buckets, { granularity: 'hour' }))
        lap(exposuresView(summary))
        return at.slice(1).map((end, lapIndex) => (end - (at[lapIndex] ?? NaN)) / 1000)
      })
      const [decode = NaN, summarize = NaN, view = NaN] = [0, 1, 2].map((lap) =>
        median(timed.map((laps) => laps[lap] ?? NaN)),
      )
      costs.push({ rows: size, variants, decode, summarize, view })
    }
  }
  const exponents = Object.fromEntries(
    [10, 1000].map((variants) => [
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
