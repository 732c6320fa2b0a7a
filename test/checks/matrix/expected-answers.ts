/** What `consumer/every-entry-point.ts` prints. */
export const expectedAnswers: object = {
  granularity: 'day',
  counted: [{ bucket: '2026-10-24T22:00:00.000Z', newIdentities: { control: 14 } }],
  shown: [['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z', 'Oct 25, 2026']],
  split: 'mismatch',
  rollup: 2,
  stored: '2026-10-30T00:00:00Z',
  kept: null,
  page: '<!doctype html>',
  panel: 2,
  refusal: 'invalid-window',
}
