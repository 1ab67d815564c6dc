import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDeadline, withDeadline } from './with-deadline.ts'

const MS = 50
const never = () => new Promise<never>(() => undefined)

afterEach(() => vi.useRealTimers())

describe.each([
  ['a timer of its own', withDeadline],
  ['the timer of the usual', createDeadline(MS)],
])('a deadline with %s', (_, deadline) => {
  it('answers as the work does', async () => {
    expect(await deadline(MS, async () => 1)).toBe(1)
    await expect(deadline(MS, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  })

  it('waits no longer than it may', async () => {
    await expect(deadline(MS, never)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
  })

  it.each([0, -1])('does not begin with %i ms left', async (ms) => {
    let begun = false
    const work = async () => {
      begun = true
    }
    await expect(deadline(ms, work)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
    expect(begun).toBe(false)
  })
})

it('gives each call all of the time that it asks for, whenever it began', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const deadline = createDeadline(300)
  const order: string[] = []
  const call = (ms: number, name: string, work = never) => deadline(ms, work).catch(() => order.push(name))
  const all = [call(300, 'at 300'), call(100, 'at 100')]
  await vi.advanceTimersByTimeAsync(200)
  all.push(call(300, 'at 500'))
  expect(await deadline(300, async () => 'in time')).toBe('in time')
  await vi.advanceTimersByTimeAsync(299)
  expect(order).toEqual(['at 100', 'at 300'])
  await vi.advanceTimersByTimeAsync(1)
  await Promise.all(all)
  expect(order).toEqual(['at 100', 'at 300', 'at 500'])
})
