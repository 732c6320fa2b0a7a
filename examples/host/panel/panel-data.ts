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
 * All that the panel shows, as plain JSON: what a page carries inside it, and what a service that keeps a page up to
 * date answers to `GET …/exposures` and `POST …/refresh`.
 */
export interface PanelData {
  /** The experiment's name. */
  readonly title: string
  /** Where the exposures came from, in a few words. */
  readonly origin?: string
  /** When it started and ended: the window of what is shown runs from its start to the success's `asOf`. */
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
   * The split that was configured, by variant: shares, percentages or weights of any sum. Left out, equal shares are
   * assumed, and the page says so.
   */
  readonly expectedShares?: Readonly<Record<string, number>>
  /** The configured variants, in the order to show them. Default: those of `expectedShares`. */
  readonly variants?: readonly string[]
  /** The control's key. Default `control`. */
  readonly control?: string
  /** Where every event went, of the window of the last good summary. Left out, nothing is said of it. */
  readonly ledger?: ExposureLedger
  /** Who was in two variants, of that window. Left out, nothing is said of it. */
  readonly crossovers?: Crossovers
  /** That summary, taken apart by a column. Left out, nothing is said of it. */
  readonly breakdown?: ExposuresBreakdown & {
    /** What the column is called. */
    readonly column: string
  }
}

/** Where a page that is kept up to date asks, on the server that it came from. Both answer with {@link PanelData}. */
export interface PanelService {
  /** Asked with GET: what to show now. */
  readonly exposuresUrl: string
  /** Asked with POST: a refresh, please. It may answer before the refresh has ended, with whatever status. */
  readonly refreshUrl: string
}
