import type { ExposuresSummary } from '../questions/summary/exposures-summary.js'
import type { FormerAnswer } from '../refresh/known-of-question.js'
import type { RefreshSuccess } from '../refresh/refresh-state.js'
import type { RefreshStatus } from '../refresh/refresh-status.js'
import type { ExposureWindow } from '../time/exposure-window.js'
import { exposuresView, type ExposuresView } from '../view/exposures-view.js'
import type { ExposuresAnswer } from './exposures-answer.js'

// What the server and the page both need, apart from what makes an answer: no page carries that.

/** The version of {@link ExposuresAnswer} that this version of the package makes and reads. */
export const answerVersion = 1

/**
 * An answer whose chart shows a part of its window, while all its numbers are of the whole. Only the command makes one,
 * where a few exposures are so far from all others that the chart would show little else than the time between.
 */
export interface AnswerWithPart extends ExposuresAnswer {
  readonly drawn: {
    readonly part: ExposureWindow
    /** What the chart leaves out. */
    readonly sentence: string
  }
}

/** The success to show: the last good one; before the first one, an old answer to another question. */
export function successOf(status: RefreshStatus): RefreshSuccess | null {
  return ownSuccess(status) ?? formerOf(status)?.success ?? null
}

/** The success of what is asked, and not of what was asked before. */
export function ownSuccess(status: RefreshStatus): RefreshSuccess | null {
  return 'success' in status ? status.success : null
}

/** The old answer that is shown until what is asked has one. */
export function formerOf(status: RefreshStatus): FormerAnswer<ExposuresSummary> | undefined {
  return 'former' in status ? status.former : undefined
}

/** The view of an answer's last good summary: the same on the server and in the browser. */
export function answeredView(
  { window, variants, control }: Pick<ExposuresAnswer, 'window' | 'variants' | 'control'>,
  { summary }: RefreshSuccess,
): ExposuresView {
  return exposuresView(summary, {
    fillGaps: true,
    ...(window === null ? {} : { window }),
    ...(variants === null ? {} : { variants }),
    // Naming the usual control would count as configuring it.
    ...(control === 'control' ? {} : { control }),
  })
}
