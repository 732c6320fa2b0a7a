/** The names of the ledger's columns: what the SELECT calls them and where the decoder finds them. */
export const ledgerColumns: {
  readonly disposition: 'disposition'
  readonly variant: 'variant'
  readonly events: 'events'
  readonly identities: 'identities'
  readonly latenessSeconds: 'lateness_seconds'
} = /* @__PURE__ */ Object.freeze({
  disposition: 'disposition',
  variant: 'variant',
  events: 'events',
  identities: 'identities',
  latenessSeconds: 'lateness_seconds',
})
