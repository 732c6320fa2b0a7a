/** What a generated table of events looks like. */
export interface Shape {
  readonly name: string
  readonly events: number
  /** Exposures of one identity. */
  readonly exposuresEach: number
  /** On how many consecutive days an identity is seen; all days of the window means exposures at any time. */
  readonly daysEach: number
  /** How many days the experiment has run, the length of the window. Default 14. */
  readonly days?: number
  /** Characters of an identifier: 21, 36 (a UUID's text) or more. */
  readonly identifierLength: number
  readonly variants: number
  /** Share of the identities that are exposed to a second variant, 0 to 1. */
  readonly crossovers: number
}

export const usualShape: Omit<Shape, 'events'> = {
  name: '4 exposures each',
  exposuresEach: 4,
  daysEach: 14,
  identifierLength: 21,
  variants: 3,
  crossovers: 0.01,
}

/** Shapes that differ from the usual one in one way each. */
export function otherShapes(events: number): readonly Shape[] {
  const differing = (name: string, difference: Partial<Shape>): Shape => ({
    ...usualShape,
    events,
    name,
    ...difference,
  })
  return [
    differing('40 exposures each', { exposuresEach: 40 }),
    differing('identifiers of 36 characters', { identifierLength: 36 }),
    differing('identifiers of 120 characters', { identifierLength: 120 }),
    differing('2 variants', { variants: 2 }),
    differing('10 variants', { variants: 10 }),
    differing('100 variants', { variants: 100 }),
    differing('20 % crossovers', { crossovers: 0.2 }),
  ]
}

/**
 * What a rollup has to show: the usual shape, one with many repeats, and the same identities after 14 days and after 90,
 * exposed as often per day.
 */
export function rollupShapes(events: number): readonly Shape[] {
  const seen = (name: string, exposuresEach: number, days: number, identities: number): Shape => ({
    ...usualShape,
    events: identities * exposuresEach,
    exposuresEach,
    days,
    daysEach: days,
    name: `${identities.toLocaleString('en')} identities, ${name}`,
  })
  return [
    seen('4 exposures each', 4, 14, Math.round(events / 4)),
    seen('40 exposures each', 40, 14, Math.round(events / 40)),
    seen('4 exposures each in 14 days', 4, 14, Math.round(events / 40)),
    seen('26 exposures each in 90 days', 26, 90, Math.round(events / 40)),
  ]
}

const dayMs = 86_400_000

/** The window of an experiment that has run so many days. */
export function windowOfDays(days = 14): { readonly startMs: number; readonly asOfMs: number } {
  const startMs = Date.UTC(2026, 5, 1)
  return { startMs, asOfMs: startMs + days * dayMs }
}

export const shapeWindow: { readonly startMs: number; readonly asOfMs: number } = windowOfDays()

/** The table in Flagsmith's published layout, empty. */
export function createEvents(table: string): string {
  return `CREATE TABLE ${table}
    (
      environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
      timestamp DateTime64(3), collected_at DateTime64(3), identifier String, value String, traits String,
      metadata String, sdk_language LowCardinality(String), sdk_version LowCardinality(String)
    )
    ENGINE = MergeTree PARTITION BY toYYYYMMDD(timestamp)
    ORDER BY (environment_key, event, feature_name, timestamp, identifier)`
}

/**
 * Fills it with events of one experiment over fourteen days. Hashes take the place of random numbers, so the table is
 * the same on every run and every machine. An event arrives within ten minutes.
 *
 * @param where - which identities, as a condition on `visitor`; default all
 */
export function generateEvents(table: string, shape: Shape, where = '1'): string {
  const { events, exposuresEach, daysEach, days = 14, identifierLength, variants, crossovers } = shape
  const identities = Math.max(1, Math.round(events / exposuresEach))
  const uuid = 'toString(reinterpretAsUUID(sipHash128(visitor)))'
  const identifier =
    identifierLength < 36
      ? "concat('user-', hex(cityHash64(visitor, 'identifier')))"
      : `leftPad(${uuid}, ${identifierLength}, 'x')`
  return `INSERT INTO ${table}
    WITH
      number % ${identities} AS visitor,
      intDiv(number, ${identities}) AS visit,
      ${daysEach === days ? `cityHash64(number, 'day') % ${days}` : `(cityHash64(visitor, 'day') + visit % ${daysEach}) % ${days}`} AS day,
      cityHash64(visitor, 'variant') % ${variants} AS assigned,
      visit % 2 = 1 AND cityHash64(visitor, 'crossover') % 1000 < ${Math.round(crossovers * 1000)} AS crossed_over
    SELECT
      'prod', '$flag_exposure', 'checkout',
      fromUnixTimestamp64Milli(toInt64(${shapeWindow.startMs} + day * 86400000 + cityHash64(number, 'at') % 86400000)) AS at,
      at + INTERVAL cityHash64(number, 'arrival') % 600 SECOND, ${identifier}, concat('variant-', toString((assigned + crossed_over) % ${variants})), '{}', '{}', 'js', '1'
    FROM numbers(${events})
    WHERE ${where}
    SETTINGS max_partitions_per_insert_block = 0, max_insert_block_size = 1048576, min_insert_block_size_rows = 4194304, max_memory_usage = 0`
}
