/** Something to do again and again. */
export interface Job {
  /** When to run it next. */
  due: Due
  /** Whether it takes one of the places. What takes none runs beside the others. */
  readonly takesPlace: boolean
  /**
   * Runs it once, and says when to run it again; `null` if it is done. It ends soon after the signal. What it rejects
   * with ends all.
   */
  run(signal: AbortSignal): Promise<number | null>
}

/** An instant to wait for, by the host's clock. */
export interface Due {
  readonly at: number
  /** When that was decided. A clock that is before it was set back, and the wait is over. */
  readonly since: number
}

// The longest that a timer can wait; a longer one would not wait at all.
const longestMs = 2_147_483_647

/**
 * Runs each job when it is due, some at a time, until the signal or until all are done. Those that have been due for
 * longest come first, so none is passed over for ever. Jobs may be added to the set and removed from it meanwhile, by a
 * job.
 *
 * It resolves when nothing runs any more: no timer and no listener is left. It rejects with what a job or the clock
 * threw, after it has ended the others.
 */
export async function runJobs(
  jobs: Set<Job>,
  {
    concurrency,
    now,
    signal,
  }: {
    readonly concurrency: number
    readonly now: () => number
    readonly signal?: AbortSignal | undefined
  },
): Promise<void> {
  // Each has a signal of its own, because many listeners on one look like a leak.
  const running = new Map<Job, AbortController>()
  const ending = new AbortController()
  let thrown: { readonly error: unknown } | undefined
  let ring = (): void => {}
  const end = (reason: unknown): void => {
    ending.abort(reason)
    for (const controller of running.values()) controller.abort(reason)
    ring()
  }
  const fail = (error: unknown): void => {
    thrown ??= { error }
    end(error)
  }
  const onAbort = (): void => {
    end(signal?.reason)
  }

  const run = async (job: Job): Promise<void> => {
    const controller = new AbortController()
    running.set(job, controller)
    try {
      const next = await job.run(controller.signal)
      // At the end of the set, so that jobs that are due at the same instant take turns.
      if (jobs.delete(job) && next !== null) {
        job.due = { at: next, since: now() }
        jobs.add(job)
      }
    } catch (error) {
      fail(error)
    }
    running.delete(job)
    ring()
  }
  /** Starts what is due, and says how long nothing else will be. */
  const startDue = (): number => {
    const nowMs = now()
    const idle = [...jobs].filter((job) => !running.has(job)).sort((a, b) => a.due.at - b.due.at)
    let places = concurrency - [...running.keys()].filter(({ takesPlace }) => takesPlace).length
    let waitMs = Infinity
    for (const job of idle) {
      const { at, since } = job.due
      const leftMs = nowMs < since ? 0 : at - nowMs
      if (leftMs > 0) waitMs = Math.min(waitMs, leftMs)
      else if (!job.takesPlace || places-- > 0) void run(job)
    }
    return waitMs
  }

  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  let timer: ReturnType<typeof setTimeout> | undefined
  while (running.size > 0 || (!ending.signal.aborted && jobs.size > 0)) {
    const rung = new Promise<void>((resolve) => {
      ring = resolve
    })
    if (!ending.signal.aborted) {
      try {
        const waitMs = startDue()
        if (waitMs < Infinity) timer = setTimeout(ring, Math.min(waitMs, longestMs))
      } catch (error) {
        fail(error)
      }
    }
    await rung
    clearTimeout(timer)
  }
  signal?.removeEventListener('abort', onAbort)
  if (thrown !== undefined) throw thrown.error
}
