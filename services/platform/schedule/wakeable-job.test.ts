import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { wakeableJob } from './wakeable-job.ts'

/** A job whose runs wait until the test ends them. */
function heldJob() {
  const runs: PromiseWithResolvers<void>[] = []
  const run = () => {
    const held = Promise.withResolvers<void>()
    runs.push(held)
    return held.promise
  }
  return { runs, job: wakeableJob({ name: 'held', intervalMs: 1000, run }, silentLog) }
}

describe('wakeableJob', () => {
  it('begins another run for a wake during a run, and only one for several', async () => {
    const { runs, job } = heldJob()
    const first = job.run()
    job.wake()
    job.wake()
    expect(runs).toHaveLength(1)
    runs[0]?.resolve()
    await expect.poll(() => runs.length).toBe(2)
    runs[1]?.resolve()
    await first
    expect(runs).toHaveLength(2)
  })

  it('shares a run with the scheduler', () => {
    const { runs, job } = heldJob()
    void job.run()
    void job.run()
    expect(runs).toHaveLength(1)
  })

  it('runs again after a failed run', async () => {
    const { runs, job } = heldJob()
    const first = job.run()
    runs[0]?.reject(new Error('the database is away'))
    await expect(first).rejects.toThrow('away')
    job.wake()
    expect(runs).toHaveLength(2)
    runs[1]?.reject(new Error('still away'))
    await job.idle()
  })
})
