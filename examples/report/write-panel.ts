import { writeFileSync } from 'node:fs'
import type { ExposuresSummary, ExposureWindow } from 'first-exposure'
import type { ReportArguments } from './arguments.js'
import type { Experiment } from './experiment.js'
import type { Explanation } from './explanation.js'
import { showProgress } from './progress.js'
import { ReportError } from './report-error.js'

/** Writes the panel of a summary as one page. Building the page's script takes some seconds. */
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
  const nowMs = Date.now()
  const began = performance.now()
  // The progress of a build is not known. A bar that slows down at least shows that it is still running.
  const progress = showProgress('Building the page', async () => {
    const seconds = (performance.now() - began) / 1000
    return seconds / (seconds + 2)
  })
  try {
    // These import a bundler, which only the page needs.
    const [{ panelPage }, { panelScriptFromSource }] = await Promise.all([
      import('../host/panel/panel-page.js'),
      import('../from-source/panel-script.js'),
    ])
    const page = panelPage(
      {
        title: spec.featureName,
        origin,
        experiment: { startedAt: startMs, endedAt: null },
        status: { type: 'loaded', success: { asOf: asOfMs, at: nowMs, summary } },
        nowMs,
        multiVariant: spec.multiVariant,
        ...(expectedShares === undefined ? {} : { expectedShares }),
        ...(control === undefined ? {} : { control }),
        ...explanation,
      },
      await panelScriptFromSource(),
    )
    writeFileSync(path, page)
    return { bytes: Buffer.byteLength(page) }
  } catch (error) {
    const { code, stderr, message } = error as Record<'code' | 'stderr' | 'message', unknown>
    if (typeof code === 'string' && code.startsWith('E')) {
      throw new ReportError(`${path} cannot be written (${code})`, { cause: error })
    }
    throw new ReportError(
      `the page cannot be built: ${(typeof stderr === 'string' && stderr.trim()) || String(message)}`,
      {
        cause: error,
      },
    )
  } finally {
    await progress.end()
  }
}
