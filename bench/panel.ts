import { resolve } from 'node:path'
import { build } from 'esbuild'
import {
  exposureFingerprint,
  exposureSpec,
  initialRefreshState,
  reduceRefresh,
  refreshQuestion,
  summarizeExposures,
} from 'first-exposure'
import { exposuresAnswer, type ExposuresAnswer } from 'first-exposure/panel'
import { chromium } from 'playwright-core'
import { median } from './median.js'

/** What a panel costs in a browser, in milliseconds until it is laid out, and as a multiple of a page without one. */
export interface PanelCost {
  readonly name: string
  readonly ms: number
  readonly ratio: number
}

const days = 400
const variants = 30

/** A count of 400 days and 30 variants, and the next one. */
function answers(): readonly [ExposuresAnswer, ExposuresAnswer] {
  const startedAt = Date.UTC(2025, 0, 1)
  const answer = (more: number): ExposuresAnswer => {
    const summary = summarizeExposures(
      Array.from({ length: days }, (_, day) =>
        Array.from({ length: variants }, (_, variant) => ({
          quarantined: false as const,
          variant: `variant-${variant}`,
          bucketMs: startedAt + day * 86_400_000,
          newIdentities: 1000 + ((day * 31 + variant * 17) % 400) + more,
        })),
      ).flat(),
      { granularity: 'day' },
    )
    const asOf = startedAt + days * 86_400_000
    const spec = exposureSpec({ environmentKey: 'production', featureName: 'checkout' })
    const experiment = { startedAt, endedAt: null }
    const fingerprint = exposureFingerprint(spec, startedAt)
    const question = refreshQuestion(initialRefreshState, { ...experiment, fingerprint })
    const state = reduceRefresh(initialRefreshState, { type: 'succeeded', asOf, at: asOf, summary, question })
    return exposuresAnswer({ state, experiment, spec, now: asOf })
  }
  return [answer(0), answer(1)]
}

/** Mounts and updates the panel in Chromium, and lays out a page without one, all in one run. */
export async function measurePanel(
  rounds: number,
  step: (title: string) => void,
): Promise<readonly PanelCost[]> {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, 'panel-in-page.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    globalName: 'bench',
  })
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await page.setContent('<!doctype html><title>Page</title>')
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
    const [first, next] = answers()
    const call = `bench.panelTimes(${JSON.stringify(first)}, ${JSON.stringify(next)})`
    const laps: (readonly number[])[] = []
    // The first rounds compile the code.
    for (let round = 0; round < rounds + 3; round++) {
      step(`round ${round + 1}`)
      const times = await page.evaluate<readonly number[]>(call)
      if (round >= 3) laps.push(times)
    }
    const [empty = NaN, mount = NaN, update = NaN] = [0, 1, 2].map((lap) =>
      median(laps.map((times) => times[lap] ?? NaN)),
    )
    return [
      { name: 'a page without a panel', ms: empty, ratio: 1 },
      { name: `mount, ${days} days × ${variants} variants`, ms: mount, ratio: mount / empty },
      { name: 'update with the next answer', ms: update, ratio: update / empty },
    ]
  } finally {
    await browser.close()
  }
}
