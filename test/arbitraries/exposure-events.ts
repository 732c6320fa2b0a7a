import fc from 'fast-check'

/** One row of an events table. */
export interface ExposureEvent {
  readonly environment: string
  readonly event: string
  readonly feature: string
  readonly timestampMs: number
  readonly identity: string | null
  readonly variant: string | null
}

/** Keys that have broken other people's queries: sentinels, SQL, prototype keys, bytes that need escaping. */
const oddKeys: readonly string[] = [
  '$multiple',
  '__multiple__',
  '__proto__',
  'constructor',
  'toString',
  'control',
  'null',
  'NULL',
  '\\N',
  '0',
  '1',
  '01',
  ' ',
  'a ',
  'a',
  'A',
  'á',
  'a\u0301',
  "'",
  '"',
  '`',
  '\\',
  "\\'",
  '\0',
  'a\0',
  '\t\r\n\b\f\v',
  '😀',
  '\uFFFD',
  '\uFEFF',
  '{variant:String}',
  '{start_ms:Int64}',
  "'; DROP TABLE events; --",
  "') OR 1 = 1 --",
  '%',
  '?',
  '/* */',
]

/** Any key at all: an odd one, or any well-formed string but the empty one. */
export const anyKey: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...oddKeys),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
)

/** What is asked: an experiment in a window of hours or of days, with the edges on no round number. */
export interface Asked {
  readonly environment: string
  readonly event: string
  readonly feature: string
  readonly startMs: number
  readonly asOfMs: number
}

export const asked: fc.Arbitrary<Asked> = fc
  .record({
    environment: anyKey,
    event: anyKey,
    feature: anyKey,
    startMs: fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) }),
    lengthMs: fc.oneof(
      fc.integer({ min: 1, max: 72 * 3_600_000 }),
      fc.integer({ min: 72 * 3_600_000 + 1, max: 20 * 86_400_000 }),
    ),
  })
  .map(({ lengthMs, ...rest }) => ({ ...rest, asOfMs: rest.startMs + lengthMs }))

/** Instants in and around a window: its edges and their neighbours by one millisecond, ties, and any others. */
const timestampsAround = ({ startMs, asOfMs }: Asked): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constantFrom(startMs - 1, startMs, startMs + 1, asOfMs - 1, asOfMs, asOfMs + 1),
    fc.constantFrom(...[0.25, 0.5, 0.75].map((at) => Math.floor(startMs + at * (asOfMs - startMs)))),
    fc.integer({ min: startMs - 86_400_000, max: asOfMs + 86_400_000 }),
    fc.integer({ min: startMs, max: asOfMs - 1 }),
  )

/**
 * Events around what is asked: few identities with many exposures each, so that duplicates, ties and crossovers are
 * common; other experiments, environments and events beside it; identities and variants that are missing.
 */
export const eventsAround = (
  question: Asked,
  constraints: { readonly inside?: boolean; readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<ExposureEvent[]> =>
  fc
    .record({
      identities: fc.uniqueArray(anyKey, { minLength: 1, maxLength: 8 }),
      variants: fc.uniqueArray(anyKey, { minLength: 1, maxLength: 4 }),
      otherKey: anyKey,
    })
    .chain(({ identities, variants, otherKey }) => {
      const mostly = <Value>(value: Value, other: Value): fc.Arbitrary<Value> =>
        constraints.inside === true
          ? fc.constant(value)
          : fc.oneof(
              { arbitrary: fc.constant(value), weight: 15 },
              { arbitrary: fc.constant(other), weight: 1 },
            )
      return fc.array(
        fc.record({
          environment: mostly(question.environment, otherKey),
          event: mostly(question.event, otherKey),
          feature: mostly(question.feature, otherKey),
          timestampMs:
            constraints.inside === true
              ? fc.integer({ min: question.startMs, max: question.asOfMs - 1 })
              : timestampsAround(question),
          identity: fc.oneof(
            { arbitrary: fc.constantFrom(...identities), weight: 12 },
            { arbitrary: fc.constantFrom('', null), weight: constraints.inside === true ? 0 : 1 },
          ),
          variant: fc.oneof(
            // One variant more often than the others, so that some identities stay in one.
            { arbitrary: fc.constant(variants[0] ?? 'a'), weight: 6 },
            { arbitrary: fc.constantFrom(...variants, ''), weight: 6 },
            { arbitrary: fc.constant(null), weight: constraints.inside === true ? 0 : 1 },
          ),
        }),
        { minLength: constraints.minLength ?? 0, maxLength: constraints.maxLength ?? 40 },
      )
    })

/** A question with events around it. */
export const questionWithEvents: fc.Arbitrary<{ question: Asked; events: ExposureEvent[] }> = asked.chain(
  (question) => eventsAround(question).map((events) => ({ question, events })),
)
