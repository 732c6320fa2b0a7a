import type {
  Crossovers,
  ExposureLedger,
  ExposuresBreakdown,
  MultiVariantPolicy,
  RefreshDecision,
  RefreshExperiment,
  RefreshStatus,
} from 'first-exposure'

/**
 * Everything that the panel shows, as plain JSON. A page carries it inside, and a service that keeps a page up to date
 * answers with it to `GET …/exposures` and `POST …/refresh`.
 */
export interface PanelData {
  /** The experiment's name. */
  readonly title: string
  /** Where the exposures came from, in a few words. */
  readonly origin?: string
  /** When it started and ended. The panel shows the window from its start to the success's `asOf`. */
  readonly experiment: RefreshExperiment
  /** What `refreshStatus` says, with the last good summary in it. */
  readonly status: RefreshStatus
  /** What `refreshDecision` says: whether the button may ask for a refresh now. Only a live page needs it. */
  readonly decision?: RefreshDecision
  /** When this was put together, in epoch milliseconds, by the clock that made the status. */
  readonly nowMs: number
  /** How identities of several variants were counted. Default `quarantine`. */
  readonly multiVariant?: MultiVariantPolicy
  /**
   * The configured split, by variant: shares, percentages or weights of any sum. If left out, the page assumes equal
   * shares and says so.
   */
  readonly expectedShares?: Readonly<Record<string, number>>
  /** The configured variants, in the order to show them. Default: those of `expectedShares`. */
  readonly variants?: readonly string[]
  /** The control's key. Default `control`. */
  readonly control?: string
  /** Where every event went, for the window of the last good summary. If left out, the panel does not show it. */
  readonly ledger?: ExposureLedger
  /** Who was in two variants, for the same window. If left out, the panel does not show it. */
  readonly crossovers?: Crossovers
  /** The same summary, broken down by a column. If left out, the panel does not show it. */
  readonly breakdown?: ExposuresBreakdown & {
    /** The name of the column. */
    readonly column: string
  }
}

/** The addresses that a live page asks, on the server that it came from. Both answer with {@link PanelData}. */
export interface PanelService {
  /** Asked with GET: what to show now. */
  readonly exposuresUrl: string
  /** Asked with POST to request a refresh. It may answer before the refresh has ended, with any HTTP status. */
  readonly refreshUrl: string
}
