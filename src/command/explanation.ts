import {
  exposureSpec,
  type Crossovers,
  type ExposureLedger,
  type ExposuresBreakdown,
  type ExposureWindow,
} from '../index.js'
import { fetchCrossovers, fetchExposureLedger, fetchExposuresBreakdown } from '../clickhouse/index.js'
import type { ReportArguments } from './arguments.js'
import type { Experiment } from './experiment.js'
import { oneLine, ReportError } from './report-error.js'

/** Why the numbers are what they are: the parts that the user asked for. */
export interface Explanation {
  readonly ledger?: ExposureLedger
  readonly crossovers?: Crossovers
  readonly breakdown?: ExposuresBreakdown & { readonly column: string }
}

/** Asks for the ledger and the crossovers, and for the breakdown. */
export async function fetchExplanation(
  { client, spec, sliceColumn, ...experiment }: Experiment,
  window: ExposureWindow,
  {
    explain,
    breakdown,
    expectedShares = experiment.expectedShares,
  }: Pick<ReportArguments, 'explain' | 'breakdown' | 'expectedShares'>,
): Promise<Explanation> {
  const variants = expectedShares === undefined ? {} : { variants: Object.keys(expectedShares) }
  return {
    ...(explain
      ? {
          ledger: await fetchExposureLedger(client, spec, window, variants),
          crossovers: await fetchCrossovers(client, spec, window),
        }
      : {}),
    ...(breakdown === undefined
      ? {}
      : {
          breakdown: {
            column: breakdown,
            ...(await fetchExposuresBreakdown(
              client,
              exposureSpec({ ...spec, breakdown: { column: sliceColumn ?? breakdown } }),
              window,
            ).catch((error: unknown) => {
              throw unknownColumn(error, breakdown)
            })),
          },
        }),
  }
}

function unknownColumn(error: unknown, column: string): unknown {
  return (error as { type?: unknown }).type === 'UNKNOWN_IDENTIFIER'
    ? new ReportError(`the events have no column ${JSON.stringify(oneLine(column, 60))} (--breakdown)`, {
        cause: error,
      })
    : error
}
