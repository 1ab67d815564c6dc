import { expect, it } from 'vitest'
import { withDeadline } from './with-deadline.ts'

const MS = 50
const never = () => new Promise<never>(() => undefined)

it('withDeadline returns the result or the error of the work', async () => {
  expect(await withDeadline(MS, async () => 1)).toBe(1)
  await expect(withDeadline(MS, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
})

it('withDeadline throws DEADLINE_EXCEEDED when the work takes too long', async () => {
  await expect(withDeadline(MS, never)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
})

it.each([0, -1])('withDeadline does not start the work with %i ms left', async (ms) => {
  let begun = false
  const work = async () => {
    begun = true
  }
  await expect(withDeadline(ms, work)).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
  expect(begun).toBe(false)
})
