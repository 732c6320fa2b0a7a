import fc from 'fast-check'
import { anyKey, asked, eventsAround, type Asked, type ExposureEvent } from './exposure-events.js'

/** Several experiments of one environment, and events of the same identities in all of them. */
export interface SeveralExperiments {
  readonly questions: readonly Asked[]
  readonly events: readonly ExposureEvent[]
}

/** From two experiments up; all ask about the same window. */
export const severalExperiments = (most: number): fc.Arbitrary<SeveralExperiments> =>
  fc
    .record({
      question: asked,
      features: fc.uniqueArray(anyKey, { minLength: 2, maxLength: most, comparator: 'SameValue' }),
    })
    .chain(({ question, features }) =>
      eventsAround(question, { maxLength: 60 }).chain((events) =>
        fc
          .array(fc.constantFrom(...features), { minLength: events.length, maxLength: events.length })
          .map((drawn) => ({
            questions: features.map((feature) => ({ ...question, feature })),
            events: events.map((event, index) => ({
              ...event,
              feature: event.feature === question.feature ? (drawn[index] ?? event.feature) : event.feature,
            })),
          })),
      ),
    )
