import type { RefreshFailure, RefreshSuccess } from 'first-exposure'
import type { PanelData } from '../panel-data.js'
import { agoLabel, instantLabel, zoneName } from './time-labels.js'

/** The state of the count in words. */
export interface StatusWords {
  /** A word or two for the badge. */
  readonly badge: string
  readonly tone: 'good' | 'bad' | 'warning' | 'neutral'
  /** What a reader must know, sentence by sentence; empty if there is nothing to say. */
  readonly sentences: readonly string[]
}

/**
 * The state of the count, in words.
 *
 * @param isLive - whether the page is kept up to date; otherwise it speaks of the time when it was made
 */
export function statusWords(data: PanelData, timeZone: string, isLive: boolean): StatusWords {
  const { status, decision, experiment } = data
  const when = (ms: number): string => `${instantLabel(ms, timeZone)} (${zoneName(timeZone)})`
  switch (status.type) {
    case 'final':
      return {
        badge: 'Final',
        tone: 'good',
        sentences: [
          'The experiment has ended and is counted completely. These numbers do not change any more.',
        ],
      }
    case 'loaded':
      return { badge: isLive ? 'Loaded' : 'Snapshot', tone: 'neutral', sentences: [] }
    case 'refreshing':
      return {
        badge: 'Refreshing',
        tone: 'neutral',
        sentences: [
          isLive
            ? `A refresh is running. It was requested at ${when(status.requestedAt)}.`
            : `A refresh was running when this page was made. It was requested at ${when(status.requestedAt)}.`,
          status.success === null
            ? 'There is no earlier count to show.'
            : 'Until it ends, you see the last good count.',
          ...(status.failure === null
            ? []
            : [`The refresh before it failed: ${failureWords(status.failure)}`]),
        ],
      }
    case 'stale':
      return {
        badge: 'Stale',
        tone: 'warning',
        sentences: [
          `A newer refresh failed at ${when(status.failure.at)}: ${failureWords(status.failure)}`,
          'You see the last good count.',
          adviceOn(status.failure),
        ],
      }
    case 'failed':
      return {
        badge: 'Failed',
        tone: 'bad',
        sentences: [
          `The refresh failed at ${when(status.failure.at)}: ${failureWords(status.failure)}`,
          'There is no earlier count to show.',
          adviceOn(status.failure),
        ],
      }
    case 'empty':
      break
  }
  return {
    badge: 'Nothing yet',
    tone: 'neutral',
    sentences: [
      decision?.type === 'not-started'
        ? `The experiment starts at ${when(experiment.startedAt)}.`
        : 'Nothing has been counted yet.',
      ...(isLive && decision?.type === 'due' ? ['Press Refresh to see who entered.'] : []),
    ],
  }
}

function failureWords({ error: { message, code } }: RefreshFailure): string {
  return `${/[.!?…]$/.test(message) ? message.slice(0, -1) : message} (${code}).`
}

function adviceOn({ error: { transient } }: RefreshFailure): string {
  return transient ? 'The next try may succeed.' : 'Somebody must fix the cause before the next try.'
}

/** The last good success, where the status has one. */
export function shownSuccess({ status }: PanelData): RefreshSuccess | null {
  return 'success' in status ? status.success : null
}

/** `3 minutes ago`: the age of the count. */
export function ageWords(success: RefreshSuccess, nowMs: number): string {
  return agoLabel(nowMs - success.asOf)
}
