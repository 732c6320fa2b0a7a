import {
  decodeRefreshState,
  encodeRefreshState,
  initialRefreshState,
  mergeRefreshStates,
  type QuestionState,
  type RefreshQuestion,
  type RefreshState,
} from 'first-exposure'
import type { JournalEntry } from './journal.js'
import { greatestSkewMs, policy } from './options.js'

/** What the journals show. */
export interface SoakFigures {
  /** How often each thing happened. */
  readonly counts: Readonly<Record<string, number>>
  /** Everything that should not have happened, in sentences; empty where all is well. */
  readonly wrong: readonly string[]
}

type Save = Extract<JournalEntry, { readonly type: 'save' }>

/**
 * Rebuilds the history of every experiment from what the processes wrote, and checks what must hold of it: each
 * version was replaced once at most, by a state that knows as much; what is stored in the end is the end of that
 * history and knows every success that a worker was told of; and no claim was disregarded while it lived.
 *
 * @param finals - what is stored in the end, by key: encoded, with its version
 */
export function checkJournals(
  entries: readonly JournalEntry[],
  finals: ReadonlyMap<string, { readonly version: string; readonly state: string }>,
): SoakFigures {
  const counts: Record<string, number> = {}
  const count = (what: string, times = 1): void => {
    counts[what] = (counts[what] ?? 0) + times
  }
  const wrong: string[] = []
  const saves = new Map<string, Save[]>()
  const versions = new Map<string, string>()
  const conflicts = new Set<string>()
  const told = new Map<string, { readonly question: RefreshQuestion; readonly asOf: number }[]>()
  for (const entry of entries) {
    switch (entry.type) {
      case 'save':
        saves.set(entry.key, [...(saves.get(entry.key) ?? []), entry])
        break
      case 'saved':
        versions.set(entry.save, entry.version)
        break
      case 'conflict':
        conflicts.add(entry.save)
        break
      case 'ended':
        count(`calls that ended: ${entry.outcome}`)
        if (entry.asOf !== undefined && entry.question !== undefined) {
          const { question, asOf } = entry
          told.set(entry.key, [...(told.get(entry.key) ?? []), { question, asOf }])
        }
        break
      case 'wrong':
        wrong.push(entry.what)
    }
  }
  for (const [key, tried] of saves) {
    const final = finals.get(key)
    const history = historyOf(key, tried, versions, conflicts, final?.version, wrong)
    count('saves', history.length)
    count('conflicts', tried.filter(({ save }) => conflicts.has(save)).length)
    const unheard = tried.filter(({ save }) => !versions.has(save) && !conflicts.has(save))
    count('saves whose answer nobody heard: all', unheard.length)
    count(
      'saves whose answer nobody heard: stored all the same',
      history.filter((save) => !versions.has(save.save)).length,
    )
    checkGrowth(key, history, final?.state, wrong)
    checkClaims(key, history, count, wrong)
    const asked = new Set(history.map(({ question }) => question?.revision))
    count('questions', asked.size)
    const kept = final === undefined ? [] : questionsOf(decodeRefreshState(final.state))
    for (const { question, asOf } of told.get(key) ?? []) {
      const own = kept.find((each) => isSame(each.question, question))
      if (own === undefined) {
        const later = kept.filter((each) => (each.question?.revision ?? 0) >= question.revision)
        // Three that were asked later have taken its place.
        if (later.length < 3) wrong.push(`${key}: a question was lost`)
      } else if ((own.success?.asOf ?? -Infinity) < asOf) wrong.push(`${key}: a success was lost`)
    }
  }
  return { counts, wrong }
}

/** The saves that took effect, in their order. */
function historyOf(
  key: string,
  tried: readonly Save[],
  versions: ReadonlyMap<string, string>,
  conflicts: ReadonlySet<string>,
  finalVersion: string | undefined,
  wrong: string[],
): readonly Save[] {
  const known = new Map<string | null, Save>()
  const unheard = new Map<string | null, Save[]>()
  for (const save of tried) {
    if (versions.has(save.save)) {
      if (known.has(save.expected)) wrong.push(`${key}: two saves replaced the same version`)
      known.set(save.expected, save)
    } else if (!conflicts.has(save.save)) {
      unheard.set(save.expected, [...(unheard.get(save.expected) ?? []), save])
    }
  }
  // A version that no worker was told of belongs to a save whose answer nobody heard. Who replaced it had loaded it,
  // and wrote down what it was.
  const toldOf = new Set(versions.values())
  const unexplained = new Map<string, string | undefined>()
  for (const { expected, before } of tried) {
    if (expected !== null && !toldOf.has(expected)) unexplained.set(expected, before)
  }
  if (finalVersion !== undefined && !toldOf.has(finalVersion)) unexplained.set(finalVersion, undefined)

  const history: Save[] = []
  for (let version: string | null = null; ;) {
    let next = known.get(version)
    let nextVersion = next === undefined ? undefined : versions.get(next.save)
    if (next === undefined) {
      for (const candidate of unheard.get(version) ?? []) {
        const match = [...unexplained].find(([, state]) => state === candidate.state || state === undefined)
        if (match !== undefined) {
          next = candidate
          nextVersion = match[0]
          unexplained.delete(match[0])
          break
        }
      }
    }
    if (next === undefined || nextVersion === undefined) {
      if (version !== (finalVersion ?? null)) wrong.push(`${key}: the history ends before what is stored`)
      if (history.length < tried.filter(({ save }) => versions.has(save)).length) {
        wrong.push(`${key}: a save that was confirmed is not in the history`)
      }
      return history
    }
    history.push(next)
    version = nextVersion
  }
}

function checkGrowth(
  key: string,
  history: readonly Save[],
  final: string | undefined,
  wrong: string[],
): void {
  let stored = encodeRefreshState(initialRefreshState)
  for (const { before, state } of history) {
    if (before !== stored) wrong.push(`${key}: what was loaded is not what was saved`)
    const together = mergeRefreshStates(decodeRefreshState(before), decodeRefreshState(state))
    if (encodeRefreshState(together) !== state) wrong.push(`${key}: a save lost something`)
    stored = state
  }
  if (final !== undefined && final !== stored) wrong.push(`${key}: what is stored was saved by nobody`)
}

const questionsOf = (state: RefreshState): readonly QuestionState[] => [state, ...(state.earlier ?? [])]

const isSame = (a?: RefreshQuestion | null, b?: RefreshQuestion | null): boolean =>
  a?.revision === b?.revision && a?.fingerprint === b?.fingerprint

/** Whether a claim is for what a later one asks, and its request is still there for the later one to see. */
function isInTheWay(earlier: Save, { question, before, endedAt }: Save): boolean {
  return (
    earlier.question?.fingerprint === question?.fingerprint &&
    questionsOf(decodeRefreshState(before)).some(
      (each) =>
        isSame(each.question, earlier.question) &&
        each.requestedAt !== null &&
        [each.success, each.failure].every((run) => run === null || run.asOf <= (endedAt ?? Infinity)),
    )
  )
}

/** The law of a claim's life: see the model of many hosts. All instants are of the true clock. */
function checkClaims(
  key: string,
  history: readonly Save[],
  count: (what: string) => void,
  wrong: string[],
): void {
  const lifeMs = policy.presumedLostAfterMs - greatestSkewMs
  const unanswered = new Map<string, Save>()
  for (const save of history) {
    if (save.step === 'report') {
      unanswered.delete(save.call)
      continue
    }
    count('claims')
    for (const earlier of unanswered.values()) {
      if (!isInTheWay(earlier, save)) {
        if (!isSame(earlier.question, save.question)) count('claims for another question meanwhile')
        continue
      }
      // How long after the earlier call began; not knowing when this save took effect, when it was about to.
      const later = save.atMs - earlier.calledAt
      if (later >= lifeMs) {
        count('claims of what was presumed lost')
        unanswered.delete(earlier.call)
      } else if (save.atMs - save.calledAt >= lifeMs) {
        // A call that read its clock so long before it got through is out of the law: its clock was as good as wrong.
        count('claims by a call that was held up')
      } else {
        wrong.push(`${key}: a claim was disregarded after ${later} ms`)
      }
    }
    unanswered.set(save.call, save)
  }
}
