/** The names of a rollup's columns, for the statements that make it and the query that reads it. */
export const rollupColumns: {
  readonly environment: 'environment'
  readonly event: 'event'
  readonly feature: 'feature'
  readonly day: 'day'
  readonly identity: 'identity'
  readonly identityHash: 'identity_hash'
  readonly variant: 'variant'
  readonly firstExposure: 'first_exposure'
} = /* @__PURE__ */ Object.freeze({
  environment: 'environment',
  event: 'event',
  feature: 'feature',
  day: 'day',
  identity: 'identity',
  identityHash: 'identity_hash',
  variant: 'variant',
  firstExposure: 'first_exposure',
})
