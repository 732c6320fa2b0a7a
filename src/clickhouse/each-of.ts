/**
 * Iterates over the items of blocks, one by one. An item of a block that is here already costs one promise; an async
 * generator of items would cost several times as much.
 *
 * @param blocksUntil - makes the blocks; they end with the reason of the signal that they get
 * @param signal - the caller's signal
 */
export function eachOf<Item>(
  blocksUntil: (stopped: AbortSignal) => AsyncGenerator<readonly Item[], void>,
  signal: AbortSignal | undefined,
): AsyncIterator<Item, undefined> {
  const stop = new AbortController()
  const onAbort = (): void => {
    stop.abort(signal?.reason)
  }
  // Only once something is asked for: what is never read is never ended either.
  let isBegun = false
  const begin = (): void => {
    isBegun = true
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  }
  const blocks = blocksUntil(stop.signal)
  const done = { done: true, value: undefined } as const
  let block: readonly Item[] = []
  let at = 0
  // The calls that wait for a block, one after another.
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  const ended = (): void => {
    block = []
    signal?.removeEventListener('abort', onAbort)
  }
  const following = async (): Promise<IteratorResult<Item, undefined>> => {
    try {
      while (at >= block.length) {
        const next = await blocks.next()
        if (next.done === true) {
          ended()
          return done
        }
        block = next.value
        at = 0
      }
      return { done: false, value: block[at++] as Item }
    } catch (error) {
      ended()
      throw error
    } finally {
      waiting--
    }
  }
  return {
    // Not an async function, which would cost a second promise for each item.
    next: () => {
      if (stop.signal.aborted) block = []
      if (waiting === 0 && at < block.length) {
        return Promise.resolve({ done: false, value: block[at++] as Item })
      }
      if (!isBegun) begin()
      waiting++
      const result = last.then(following, following)
      last = result
      return result
    },
    return: async () => {
      isBegun = true
      // Also ends the wait of a call to next.
      stop.abort(new Error('The loop has ended.'))
      ended()
      await blocks.return()
      return done
    },
  }
}
