/** Something to do again and again. `Group` is what it shares with others that run at the same time. */
export interface Job<Group = never> {
  /** When to run it next. */
  due: Due
  /** Whether it takes one of the places. What takes none runs beside the others. */
  readonly takesPlace: boolean
  /** Whether it may share its place with others now. */
  readonly sharesPlace?: boolean
  /**
   * Runs it once, and says when to run it again; `null` if it is done. It ends soon after the signal. What it rejects
   * with ends all.
   *
   * @param group - what it shares with those that run in the same place; `undefined` if it runs there by itself
   */
  run(signal: AbortSignal, group?: Group): Promise<number | null>
}

/** An instant to wait for, by the host's clock. */
export interface Due {
  readonly at: number
  /** When that was decided. A clock that is before it was set back, and the wait is over. */
  readonly since: number
}

/** How jobs that are due at the same time share a place. */
export interface Grouping<Group> {
  /** The most jobs in one place, from 2. */
  readonly size: number
  readonly open: (signal: AbortSignal) => Group
  /** Called once all jobs of the group run. What it rejects with ends all. */
  readonly close: (group: Group) => Promise<void>
}

/** The longest that a timer can wait; a longer one would not wait at all. */
export const longestMs = 2_147_483_647

/**
 * Runs each job when it is due, some at a time, until the signal or until all are done. Those that have been due for
 * longest come first, so none is passed over for ever. Jobs may be added to the set and removed from it meanwhile, by a
 * job.
 *
 * A wait is over when the clock says so, or when it stands still and the time has passed by the timer.
 *
 * It resolves when nothing runs any more: no timer and no listener is left. It rejects with what a job or the clock
 * threw, after it has ended the others.
 */
export async function runJobs<Group = never>(
  jobs: Set<Job<Group>>,
  {
    concurrency,
    now,
    signal,
  }: {
    readonly concurrency: number
    readonly now: () => number
    readonly signal?: AbortSignal | undefined
  },
  grouping?: Grouping<Group>,
): Promise<void> {
  // Each place has a signal of its own, because many listeners on one look like a leak.
  const running = new Map<Job<Group>, AbortController>()
  const ending = new AbortController()
  let thrown: { readonly error: unknown } | undefined
  let ring = (): void => {}
  // What timers have waited since the clock moved. Instants to wait for are counted by the clock and this together.
  let stood = { at: Number.NaN, forMs: 0 }
  const time = (): number => {
    const at = now()
    if (at !== stood.at) stood = { at, forMs: 0 }
    return at + stood.forMs
  }
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

  const run = async (job: Job<Group>, controller: AbortController, group?: Group): Promise<void> => {
    running.set(job, controller)
    try {
      const next = await job.run(controller.signal, group)
      // At the end of the set, so that jobs that are due at the same instant take turns.
      if (jobs.delete(job) && next !== null) {
        const since = time()
        job.due = { at: next + stood.forMs, since }
        jobs.add(job)
      }
    } catch (error) {
      fail(error)
    }
    running.delete(job)
    ring()
  }
  /** Runs jobs in one place. */
  const runTogether = (together: readonly Job<Group>[]): void => {
    const controller = new AbortController()
    const group = together.length > 1 ? grouping?.open(controller.signal) : undefined
    for (const job of together) void run(job, controller, group)
    if (group !== undefined) grouping?.close(group).catch(fail)
  }
  /** Starts what is due, and says how long nothing else will be. */
  const startDue = (): number => {
    const nowMs = time()
    const idle = [...jobs].filter((job) => !running.has(job)).sort((a, b) => a.due.at - b.due.at)
    const size = grouping?.size ?? 1
    const taken = new Set([...running].filter(([{ takesPlace }]) => takesPlace).map(([, place]) => place))
    let places = concurrency - taken.size
    let shared: Job<Group>[] = []
    const starting: Job<Group>[][] = []
    let waitMs = Infinity
    for (const job of idle) {
      const { at, since } = job.due
      const leftMs = nowMs < since ? 0 : at - nowMs
      if (leftMs > 0) waitMs = Math.min(waitMs, leftMs)
      else if (!job.takesPlace) runTogether([job])
      else if (job.sharesPlace === true && shared.length > 0 && shared.length < size) shared.push(job)
      else if (places-- > 0) {
        const place = [job]
        starting.push(place)
        if (job.sharesPlace === true) shared = place
      }
    }
    for (const together of starting) runTogether(together)
    return waitMs
  }

  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (ms: number): void => {
    timer = setTimeout(() => {
      // Counts only if the clock is where it was.
      stood = { at: stood.at, forMs: stood.forMs + ms }
      ring()
    }, ms)
  }

  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  while (running.size > 0 || (!ending.signal.aborted && jobs.size > 0)) {
    const rung = new Promise<void>((resolve) => {
      ring = resolve
    })
    if (!ending.signal.aborted) {
      try {
        const waitMs = startDue()
        if (waitMs < Infinity) wait(Math.min(waitMs, longestMs))
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
