/** The names of the audit's columns: what the SELECT calls them and where the decoder finds them. */
export const auditColumns: {
  readonly day: 'day'
  readonly inEvents: 'in_events'
  readonly inRollup: 'in_rollup'
  readonly missing: 'missing'
  readonly surplus: 'surplus'
} = /* @__PURE__ */ Object.freeze({
  day: 'day',
  inEvents: 'in_events',
  inRollup: 'in_rollup',
  missing: 'missing',
  surplus: 'surplus',
})
