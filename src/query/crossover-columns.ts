/** The names of the answer's columns to {@link crossoverQuery}: one row for each pair of variants. */
export const crossoverColumns: {
  readonly firstVariant: 'first_variant'
  readonly nextVariant: 'next_variant'
  readonly identities: 'identities'
  readonly medianMs: 'median_ms'
  readonly buckets: 'buckets'
  readonly bucketIdentities: 'bucket_identities'
} = /* @__PURE__ */ Object.freeze({
  firstVariant: 'first_variant',
  nextVariant: 'next_variant',
  identities: 'identities',
  medianMs: 'median_ms',
  buckets: 'buckets',
  bucketIdentities: 'bucket_identities',
})
