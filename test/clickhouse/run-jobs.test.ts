import { afterEach, beforeEach, expect, test } from 'vitest'
import { runJobs, type Job } from '../../src/clickhouse/run-jobs.js'
import { virtualTime, type VirtualTime } from './virtual-time.js'

const day = 86_400_000
const begin = Date.UTC(2026, 5, 1)
let time: VirtualTime
beforeEach(() => {
  time = virtualTime(begin)
})
afterEach(() => {
  time.end()
})

/** A job that is due at once, and then after each of the waits; `ran` tells when it ran. */
function job(...waits: readonly number[]): Job & { readonly ran: number[] } {
  const left = waits.values()
  const ran: number[] = []
  return {
    ran,
    due: { at: begin, since: begin },
    takesPlace: true,
    run: async () => {
      ran.push(Date.now() - begin)
      const wait = left.next().value
      return wait === undefined ? null : Date.now() + wait
    },
  }
}

test('it ends when all jobs are done, and a wait may be longer than a timer can wait', async () => {
  const jobs = [job(60 * day), job()] as const
  let ended = false
  const done = runJobs(new Set(jobs), { concurrency: 1, now: Date.now }).finally(() => {
    ended = true
  })
  await time.pass(59 * day)
  expect([ended, jobs[0].ran]).toEqual([false, [0]])
  await time.pass(day)
  await done
  expect(jobs.map(({ ran }) => ran)).toEqual([[0, 60 * day], [0]])
  expect(time.timers()).toBe(0)
})

test('jobs that are due at the same instant take turns', async () => {
  const order: string[] = []
  const named = ['a', 'b', 'c'].map((name): Job => {
    const each = job(0, 0)
    return {
      ...each,
      run: async (signal) => {
        order.push(name)
        return await each.run(signal)
      },
    }
  })
  await runJobs(new Set(named), { concurrency: 1, now: Date.now })
  expect(order.join('')).toBe('abcabcabc')
})

test('what has been due for longest comes first', async () => {
  const order: string[] = []
  const named = (name: string, takesMs: number, ...waits: readonly number[]): Job => {
    const each = job(...waits)
    return {
      ...each,
      run: async (signal) => {
        order.push(name)
        await new Promise((resolve) => setTimeout(resolve, takesMs))
        return await each.run(signal)
      },
    }
  }
  const done = runJobs(new Set([named('a', 1, 50), named('b', 1, 10), named('long', 100)]), {
    concurrency: 1,
    now: Date.now,
  })
  await time.pass(200)
  await done
  expect(order).toEqual(['a', 'b', 'long', 'b', 'a'])
})

test('a clock that is set back ends every wait', async () => {
  let skew = 0
  const waiting = job(10)
  const other = job(5)
  const done = runJobs(new Set([waiting, other]), { concurrency: 2, now: () => Date.now() + skew })
  await time.pass(1)
  skew = -day
  await time.pass(4)
  await done
  expect(waiting.ran).toEqual([0, 5])
})

test('a clock that stands still ends every wait when its time has passed', async () => {
  let clock: () => number = () => begin
  const ran: number[] = []
  const each = (...waits: readonly number[]): Job => {
    const left = waits.values()
    return {
      ...job(),
      run: async () => {
        ran.push(Date.now() - begin)
        const wait = left.next().value
        return wait === undefined ? null : clock() + wait
      },
    }
  }
  const done = runJobs(new Set([each(100, 300), each(150)]), { concurrency: 2, now: () => clock() })
  await time.pass(399)
  expect(ran).toEqual([0, 0, 100, 150])
  await time.pass(1)
  await done
  expect(ran).toEqual([0, 0, 100, 150, 400])
  // And a wait is over at once when the clock goes on, but behind.
  const later = runJobs(new Set([each(1000, 1000)]), { concurrency: 1, now: () => clock() })
  await time.pass(1000)
  clock = () => begin + 1
  await time.pass(1000)
  await later
  expect(ran.slice(5)).toEqual([400, 1400, 2400])
})

test('nothing to do is done', async () => {
  await runJobs(new Set<Job>(), { concurrency: 1, now: Date.now })
  expect(time.timers()).toBe(0)
})
