import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../log/log.ts'
import { startScheduler } from './scheduler.ts'

vi.mock('node:timers/promises', () => import('../../../test/support/fake-timers-promises.ts'))

const lines: string[] = []
const log = createLogger('info', (line) => lines.push(line))

beforeEach(() => {
  lines.length = 0
  vi.useFakeTimers()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('startScheduler', () => {
  it.each([
    [0, 500],
    [0.5, 1_000],
    [0.999, 1_499],
  ])('with the random number %d runs a job every %i milliseconds', async (chance, ms) => {
    vi.spyOn(Math, 'random').mockReturnValue(chance)
    const run = vi.fn(async () => {})
    const stop = startScheduler([{ name: 'a', run }], 1_000, log)
    await vi.advanceTimersByTimeAsync(ms - 1)
    expect(run).toHaveBeenCalledTimes(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(run).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(ms * 3)
    expect(run).toHaveBeenCalledTimes(4)
    await stop()
  })

  it('logs a failed run, repeats the job and does not delay other jobs', async () => {
    const bad = vi.fn(async () => {
      throw new Error('boom')
    })
    const worse = vi.fn(() => {
      throw new Error('at once')
    })
    const good = vi.fn(async () => {})
    const jobs = [bad, worse, good].map((run, index) => ({ name: `job-${index}`, run }))
    const stop = startScheduler(jobs, 1_000, log)
    await vi.advanceTimersByTimeAsync(3_000)
    for (const run of [bad, worse, good]) expect(run.mock.calls.length).toBeGreaterThanOrEqual(2)
    expect(JSON.parse(lines.find((line) => line.includes('job-0')) ?? '')).toMatchObject({
      job: 'job-0',
      error: { message: 'boom' },
    })
    await stop()
  })

  it('never runs a job twice at the same time', async () => {
    const pass = Promise.withResolvers<void>()
    const run = vi.fn(() => pass.promise)
    const stop = startScheduler([{ name: 'a', run }], 1_000, log)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(run).toHaveBeenCalledTimes(1)
    pass.resolve()
    await stop()
  })

  it('stops at once between two runs and leaves no timer', async () => {
    const run = vi.fn(async () => {})
    const stop = startScheduler([{ name: 'a', run }], 1_000, log)
    await stop()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(run).not.toHaveBeenCalled()
  })

  it('waits for the current run when it is stopped, and starts no other run', async () => {
    const pass = Promise.withResolvers<void>()
    const run = vi.fn(() => pass.promise)
    const stop = startScheduler([{ name: 'a', run }], 1_000, log)
    await vi.advanceTimersByTimeAsync(1_500)
    let isStopped = false
    const stopping = stop().finally(() => {
      isStopped = true
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(isStopped).toBe(false)
    pass.resolve()
    await stopping
    expect(run).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
