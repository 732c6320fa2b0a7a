import type { RefreshPolicy } from 'first-exposure'
import type { ListedExperiment, RefreshReport } from 'first-exposure/clickhouse'
import { exposureFindings, exposuresAnswer, type ExposuresAnswer } from 'first-exposure/panel'

export interface WebhookAlertsInput {
  /** Where to post. It may hold a token, so no message of ours has it. */
  readonly url: string
  readonly policy: Partial<RefreshPolicy>
  /** The experiments as they were listed last. */
  readonly experiments: () => readonly ListedExperiment[]
  /** Called if the webhook could not be reached, or refused. */
  readonly onFailure: (reason: string) => void
}

// A webhook that hangs must not hold up the refreshes.
const patienceMs = 10_000

/**
 * Posts what is new about an experiment after each of its refreshes, as JSON: `{ key, title, text, findings }`. Most chat
 * services show the `text`.
 *
 * What was told last is kept in memory, so that a restart tells once more what is still true. If a post fails, the next
 * answer is compared with the same one again, so nothing is lost.
 */
export function webhookAlerts({
  url,
  policy,
  experiments,
  onFailure,
}: WebhookAlertsInput): (report: RefreshReport) => Promise<void> {
  const told = new Map<string, ExposuresAnswer>()
  return async ({ key, outcome, state }) => {
    const listed = experiments().find((each) => each.key === key)
    if (key === null || state === null || listed === undefined) return
    // Somebody else's refresh: that host tells of it.
    if (outcome.type !== 'refreshed' && outcome.type !== 'failed') return
    const { spec, experiment } = listed
    const answer = exposuresAnswer({ state, experiment, spec, now: Date.now(), policy, title: key })
    const findings = exposureFindings(told.get(key) ?? null, answer, { policy })
    if (findings.length > 0) {
      const text = findings.map(({ severity, sentence }) => `${severity}: ${key}: ${sentence}`).join('\n')
      try {
        const { ok, status } = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ key, title: answer.title, text, findings }),
          signal: AbortSignal.timeout(patienceMs),
        })
        if (!ok) return onFailure(`HTTP status ${status}`)
      } catch (error) {
        return onFailure(error instanceof Error ? error.name : 'unknown')
      }
    }
    told.set(key, answer)
    return undefined
  }
}
