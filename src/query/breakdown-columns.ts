/** What the answer to {@link exposureBreakdownQuery} has beside the columns of `firstExposuresQuery`. */
export const breakdownColumns: { readonly other: 'other'; readonly value: 'value' } =
  /* @__PURE__ */ Object.freeze({
    /** Whether it is of the values that have no slice of their own. */
    other: 'other',
    /** The slice's value; NULL where the column is, and for the others. */
    value: 'value',
  })
