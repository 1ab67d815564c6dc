import { expect, it } from 'vitest'
import { withDeadline } from './with-deadline.ts'

const never = () => new Promise<never>(() => undefined)

it('answers as the work does', async () => {
  expect(await withDeadline(10_000, async () => 1)).toBe(1)
  await expect(withDeadline(10_000, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
})

it('waits no longer than it may', async () => {
  await expect(withDeadline(10, never)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
})

it.each([0, -1])('does not begin with %i ms left', async (ms) => {
  let begun = false
  const work = async () => {
    begun = true
  }
  await expect(withDeadline(ms, work)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
  expect(begun).toBe(false)
})
