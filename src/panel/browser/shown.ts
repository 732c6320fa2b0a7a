import type { ExposuresView, ExposuresViewVariant } from '../../view/exposures-view.js'
import { answeredView, successOf, type AnswerWithPart } from '../answered-view.js'
import type { ExposuresAnswer } from '../exposures-answer.js'
import type { ExposuresVerdicts } from '../exposures-verdicts.js'
import type { PanelWords } from '../panel-words.js'
import { partOfView } from '../part-of-view.js'
import { drawnSeries, listedVariants, type Series } from './series.js'
import { bucketLabels, type BucketLabels } from './time-labels.js'

/** The last good count of an answer, as all cards show it. */
export interface Shown {
  readonly answer: ExposuresAnswer
  readonly view: ExposuresView
  /** What the chart shows of it: usually all. */
  readonly drawn: ExposuresView
  /** What the chart leaves out, as a sentence; `null` if nothing. */
  readonly leftOut: string | null
  readonly verdicts: ExposuresVerdicts
  /** The variants in the order to list them. */
  readonly variants: readonly ExposuresViewVariant[]
  readonly series: readonly Series[]
  /** The start of the last bucket if it is not over yet when the window ends; otherwise `null`. */
  readonly openBucket: string | null
  readonly timeZone: string
  readonly buckets: BucketLabels
  /** A bucket's name, by its start. */
  readonly bucketName: (start: string) => string
  readonly words: PanelWords
  /** Makes a heading of a card. */
  readonly heading: (...children: readonly (Node | string)[]) => HTMLElement
}

/** What there is to show in a time zone; `null` before the first success. */
export function shownOf(
  answer: ExposuresAnswer,
  timeZone: string,
  words: PanelWords,
  heading: Shown['heading'],
): Shown | null {
  const success = successOf(answer.status)
  if (success === null || answer.verdicts === null) return null
  const view = answeredView(answer, success)
  const variants = listedVariants(view, answer.variants, words)
  const hasEnded = endsWithExperiment(view, answer)
  const last = view.points.at(-1)
  const isOpen = !hasEnded && last !== undefined && Date.parse(last.end) > (view.window?.asOfMs ?? Infinity)
  const buckets = bucketLabels(timeZone, view.window, hasEnded, words)
  const { drawn } = answer as Partial<AnswerWithPart>
  const points = new Map(view.points.map((point) => [point.start, point]))
  return {
    answer,
    view,
    drawn: drawn === undefined ? view : partOfView(view, drawn.part),
    leftOut: drawn?.sentence ?? null,
    verdicts: answer.verdicts,
    variants,
    series: drawnSeries(variants),
    openBucket: isOpen ? last.start : null,
    timeZone,
    buckets,
    bucketName: (start) => {
      const point = points.get(start)
      return point === undefined ? start : buckets.label(point)
    },
    words,
    heading,
  }
}

/** Whether the window reaches the end of the experiment: then nothing follows in its last bucket, even if it is cut. */
function endsWithExperiment(
  { window }: ExposuresView,
  { experiment: { endedAt } }: ExposuresAnswer,
): boolean {
  return window !== null && endedAt !== null && window.asOfMs >= endedAt
}
