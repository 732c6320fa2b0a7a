import type { RefreshFailure } from '../../refresh/refresh-state.js'
import type { ExposuresAnswer } from '../exposures-answer.js'
import type { PanelWords } from '../panel-words.js'
import { visible } from '../variant-label.js'
import { zoneName } from './time-labels.js'

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
 * @param isLive - whether the panel is kept up to date; otherwise it speaks of the time when the answer was made
 * @param hasButton - whether the reader can ask for a refresh
 */
export function statusWords(
  { status, decision, experiment, nowMs }: ExposuresAnswer,
  timeZone: string,
  isLive: boolean,
  hasButton: boolean,
  { say, instant }: PanelWords,
): StatusWords {
  const when = (ms: number): string =>
    say('instantInZone', { instant: instant(ms, timeZone), zone: zoneName(timeZone) })
  const failure = ({ at, error }: RefreshFailure): { when: string; message: string; code: string } => ({
    when: when(at),
    // The label has the full stop.
    message: visible(error.message).replace(/\.$/, ''),
    code: error.code,
  })
  const advice = ({ error }: RefreshFailure): string => say(error.transient ? 'mayRetry' : 'mustFix')
  switch (status.type) {
    case 'final':
      return { badge: say('final'), tone: 'good', sentences: [say('finalSentence')] }
    case 'loaded':
      return { badge: say(isLive ? 'loaded' : 'snapshot'), tone: 'neutral', sentences: [] }
    case 'refreshing':
      return {
        badge: say('refreshingStatus'),
        tone: 'neutral',
        sentences: [
          say(isLive ? 'refreshRuns' : 'refreshRan', { when: when(status.requestedAt) }),
          say(
            status.former !== undefined
              ? 'oldCountMeanwhile'
              : status.success === null
                ? 'noEarlierCount'
                : 'lastCountMeanwhile',
          ),
          ...(status.failure === null ? [] : [say('refreshBeforeFailed', failure(status.failure))]),
        ],
      }
    case 'stale':
      return {
        badge: say('stale'),
        tone: 'warning',
        sentences: [
          say('newerRefreshFailed', failure(status.failure)),
          say('lastCountShown'),
          advice(status.failure),
        ],
      }
    case 'failed':
      return {
        badge: say('failed'),
        tone: 'bad',
        sentences: [
          say('refreshFailed', failure(status.failure)),
          say(status.former === undefined ? 'noEarlierCount' : 'oldCountShown'),
          advice(status.failure),
        ],
      }
    case 'outdated':
      return { badge: say('outdated'), tone: 'warning', sentences: [say('oldCountShown')] }
    case 'empty':
      break
  }
  return {
    badge: say('empty'),
    tone: 'neutral',
    sentences: [
      // An experiment that was cancelled before its start has not started either.
      decision.type === 'not-started' && experiment.startedAt > nowMs
        ? say('startsAt', { when: when(experiment.startedAt) })
        : say('nothingCounted'),
      ...(hasButton && decision.type === 'due' ? [say('pressRefresh')] : []),
    ],
  }
}
