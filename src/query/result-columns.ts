/** The names of the answer's columns: what the SELECT calls them and where the decoder finds them. */
export const resultColumns: {
  readonly quarantined: 'quarantined'
  readonly variant: 'variant'
  readonly bucket: 'bucket'
  readonly newIdentities: 'new_identities'
} = /* @__PURE__ */ Object.freeze({
  quarantined: 'quarantined',
  variant: 'variant',
  bucket: 'bucket',
  newIdentities: 'new_identities',
})
