import { writeFileSync } from 'node:fs'
import {
  exposureFingerprint,
  initialRefreshState,
  reduceRefresh,
  refreshQuestion,
  type ExposuresSummary,
  type ExposureWindow,
} from '../index.js'
import { answeredView, successOf, type AnswerWithPart } from '../panel/answered-view.js'
import { exposuresVerdicts } from '../panel/exposures-verdicts.js'
import { exposuresAnswer, panelPage, type ExposuresAnswer } from '../panel/index.js'
import { partOfView } from '../panel/part-of-view.js'
import type { ReportArguments } from './arguments.js'
import type { Experiment } from './experiment.js'
import type { Explanation } from './explanation.js'
import { isSource } from './is-source.js'
import { ReportError } from './report-error.js'
import type { Strays } from './strays.js'

/** Writes the panel of a summary as one page. Its chart leaves strays out, as that of the terminal does. */
export async function writePanel(
  path: string,
  summary: ExposuresSummary,
  { startMs, asOfMs }: ExposureWindow,
  explanation: Explanation,
  strays: Strays | undefined,
  { spec, origin, ...experiment }: Experiment,
  {
    expectedShares = experiment.expectedShares,
    control,
  }: Pick<ReportArguments, 'expectedShares' | 'control'>,
): Promise<{ readonly bytes: number }> {
  const now = Date.now()
  const running = { startedAt: startMs, endedAt: null }
  try {
    const pageOf = await readyPanelPage()
    const answer = exposuresAnswer({
      state: reduceRefresh(initialRefreshState, {
        type: 'succeeded',
        asOf: asOfMs,
        at: now,
        summary,
        question: refreshQuestion(initialRefreshState, {
          ...running,
          fingerprint: exposureFingerprint(spec, startMs),
        }),
      }),
      experiment: running,
      spec,
      now,
      origin,
      ...(expectedShares === undefined ? {} : { expectedShares }),
      ...(control === undefined ? {} : { control }),
      ...explanation,
    })
    const page = pageOf(strays === undefined ? answer : withoutStrays(answer, strays, expectedShares))
    writeFileSync(path, page)
    return { bytes: Buffer.byteLength(page) }
  } catch (error) {
    const { code, message } = error as Record<'code' | 'message', unknown>
    if (typeof code === 'string' && code.startsWith('E')) {
      throw new ReportError(`${path} cannot be written (${code})`, { cause: error })
    }
    throw new ReportError(`the page cannot be built: ${String(message)}`, { cause: error })
  }
}

/** An answer whose chart, and what is about when things happened, is without the time of strays. */
function withoutStrays(
  answer: ExposuresAnswer,
  { axis, sentence }: Strays,
  expectedShares: ReportArguments['expectedShares'],
): ExposuresAnswer | AnswerWithPart {
  const { status, verdicts } = answer
  const success = successOf(status)
  if (success === null || verdicts === null) return answer
  const { exposureHealth } = exposuresVerdicts(
    partOfView(answeredView(answer, success), axis),
    expectedShares,
  )
  return { ...answer, verdicts: { ...verdicts, exposureHealth }, drawn: { part: axis, sentence } }
}

/** `panelPage` with the script of its page, which the source has to bundle first. */
async function readyPanelPage(): Promise<typeof panelPage> {
  if (!isSource) return panelPage
  const file = new URL('../../examples/from-source/panel-page.ts', import.meta.url)
  const { panelPageFromSource } = (await import(file.href)) as {
    panelPageFromSource: () => Promise<typeof panelPage>
  }
  return panelPageFromSource()
}
