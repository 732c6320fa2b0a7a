import type { RefreshQuestion } from 'first-exposure'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One thing that a worker did, by the clock that all processes share. Instants are epoch milliseconds. */
export type JournalEntry = { readonly worker: string; readonly atMs: number } & (
  | {
      readonly type: 'save'
      readonly key: string
      /** Tells the saves apart, so that what is only tried can be told from what came of it. */
      readonly save: string
      /** What was stored as far as the worker knows: its version, and the encoded state. */
      readonly expected: string | null
      readonly before: string
      /** The encoded state to store. */
      readonly state: string
      /** `claim`, or the report of the call that claimed. */
      readonly step: 'claim' | 'report'
      readonly call: string
      /** When the call read its clock, by the true clock. */
      readonly calledAt: number
      /** The end of the experiment, as the call knows it. */
      readonly endedAt: number | null
      /** What it claims, or reports on. */
      readonly question: RefreshQuestion | null
    }
  | { readonly type: 'saved'; readonly save: string; readonly version: string }
  | { readonly type: 'conflict'; readonly save: string }
  | {
      readonly type: 'ended'
      readonly key: string
      readonly outcome: string
      readonly asOf?: number
      readonly question?: RefreshQuestion
    }
  | { readonly type: 'wrong'; readonly what: string }
)

/** Writes entries that survive the process, whatever ends it: each is in the system's hands when `write` returns. */
export function openJournal(path: string): { write(entry: JournalEntry): void; close(): void } {
  const file = openSync(path, 'a')
  return {
    write: (entry) => {
      writeSync(file, `${JSON.stringify(entry)}\n`)
    },
    close: () => {
      closeSync(file)
    },
  }
}

/** What a process wrote. */
export function readJournal(path: string): readonly JournalEntry[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalEntry)
}
