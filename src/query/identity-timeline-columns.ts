/** The names of the timeline's columns: what the SELECT calls them and where the decoder finds them. */
export const identityTimelineColumns: {
  readonly shown: 'shown'
  readonly disposition: 'disposition'
  readonly variant: 'variant'
  readonly atMs: 'at_ms'
  readonly events: 'events'
} = /* @__PURE__ */ Object.freeze({
  shown: 'shown',
  disposition: 'disposition',
  variant: 'variant',
  atMs: 'at_ms',
  events: 'events',
})
