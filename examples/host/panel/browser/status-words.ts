import type { RefreshFailure, RefreshSuccess } from 'first-exposure'
import type { PanelData } from '../panel-data.js'
import { agoLabel, instantLabel, zoneName } from './time-labels.js'

/** The state of the count in words. */
export interface StatusWords {
  /** A word or two for the badge. */
  readonly badge: string
  readonly tone: 'good' | 'bad' | 'warning' | 'neutral'
  /** What a reader must know of it, sentence by sentence; empty where there is nothing to say. */
  readonly sentences: readonly string[]
}

/**
 * Says what state the count is in.
 *
 * @param isLive - whether the page is kept up to date; one that is not says what was, not what is
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
          'The experiment has ended and all of it is counted: these numbers do not change any more.',
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
            ? `A refresh is under way, asked for at ${when(status.requestedAt)}.`
            : `A refresh was under way when this page was made, asked for at ${when(status.requestedAt)}.`,
          status.success === null
            ? 'There is no earlier count to show.'
            : 'Until it ends, the last good count is shown.',
          ...(status.failure === null ? [] : [`The run before it failed: ${failureWords(status.failure)}`]),
        ],
      }
    case 'stale':
      return {
        badge: 'Stale',
        tone: 'warning',
        sentences: [
          `A newer refresh failed at ${when(status.failure.at)}: ${failureWords(status.failure)}`,
          'The last good count is shown.',
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
      ...(isLive && decision?.type === 'due' ? ['Ask for a refresh to see who entered.'] : []),
    ],
  }
}

function failureWords({ error: { message, code } }: RefreshFailure): string {
  return `${/[.!?…]$/.test(message) ? message.slice(0, -1) : message} (${code}).`
}

function adviceOn({ error: { transient } }: RefreshFailure): string {
  return transient
    ? 'It may well succeed when it is tried again.'
    : 'Trying again will not help before somebody mends the cause.'
}

/** The last good success, where the status has one. */
export function shownSuccess({ status }: PanelData): RefreshSuccess | null {
  return 'success' in status ? status.success : null
}

/** `3 minutes ago`, of the end of what is counted. */
export function ageWords(success: RefreshSuccess, nowMs: number): string {
  return agoLabel(nowMs - success.asOf)
}
