/**
 * An answer by hour about timestamps that are dates, as the answer by day that it is: the only hours in it are those in
 * which a local day starts. An answer by day stays as it is.
 */
export function byDay<Answer>(answer: Answer): Answer {
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) =>
    // A variant may be called granularity too, but its value is a count.
    key === 'granularity' && value === 'hour' ? 'day' : value,
  ) as Answer
}
