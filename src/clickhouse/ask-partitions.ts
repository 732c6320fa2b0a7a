import { aWholeNumber } from '../checks.js'
import { invalidSpec } from '../errors.js'
import { aSignal } from './fetch-rows.js'

/** How many partitions to ask about, and how many of them at a time. */
export interface PartitionedAsking {
  readonly partitions?: number | undefined
  readonly concurrency?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Refuses invalid numbers of partitions. Throws `invalid-spec`. */
export function assertPartitions({ partitions = 1, concurrency = 1 }: PartitionedAsking): void {
  aWholeNumber(1, 65_536)(partitions, 'partitions', invalidSpec)
  aWholeNumber(1)(concurrency, 'concurrency', invalidSpec)
}

/**
 * Asks about one partition after another, some at a time. The first failure ends the others, because their answers
 * would be useless.
 */
export async function askPartitions(
  { partitions = 1, concurrency = 1, signal }: PartitionedAsking,
  ask: (index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (signal !== undefined) aSignal(signal, 'signal', invalidSpec).throwIfAborted()
  // Each has a signal of its own, because many listeners on one look like a leak.
  const running = new Set<AbortController>()
  let asked = 0
  const endAll = (reason: unknown): void => {
    asked = partitions
    for (const partition of running) partition.abort(reason)
  }
  const onAbort = (): void => {
    endAll(signal?.reason)
  }
  const askOneByOne = async (): Promise<void> => {
    while (asked < partitions) {
      const index = asked++
      const partition = new AbortController()
      running.add(partition)
      await ask(index, partition.signal)
      running.delete(partition)
    }
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, partitions) }, askOneByOne))
  } catch (error) {
    endAll(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
  signal?.throwIfAborted()
}
