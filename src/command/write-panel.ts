import { writeFileSync } from 'node:fs'
import {
  exposureFingerprint,
  initialRefreshState,
  reduceRefresh,
  refreshQuestion,
  type ExposuresSummary,
  type ExposureWindow,
} from '../index.js'
import { exposuresAnswer, panelPage } from '../panel/index.js'
import type { ReportArguments } from './arguments.js'
import type { Experiment } from './experiment.js'
import type { Explanation } from './explanation.js'
import { isSource } from './is-source.js'
import { ReportError } from './report-error.js'

/** Writes the panel of a summary as one page. */
export async function writePanel(
  path: string,
  summary: ExposuresSummary,
  { startMs, asOfMs }: ExposureWindow,
  explanation: Explanation,
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
    const page = pageOf(
      exposuresAnswer({
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
      }),
    )
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

/** `panelPage` with the script of its page, which the source has to bundle first. */
async function readyPanelPage(): Promise<typeof panelPage> {
  if (!isSource) return panelPage
  const file = new URL('../../examples/from-source/panel-page.ts', import.meta.url)
  const { panelPageFromSource } = (await import(file.href)) as {
    panelPageFromSource: () => Promise<typeof panelPage>
  }
  return panelPageFromSource()
}
