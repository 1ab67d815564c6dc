import { expect, test } from 'vitest'
import { retryConflict } from './retry-conflict.ts'

const conflict = Object.assign(new Error('unique'), { code: 'P2002' })

function failing(times: number, error: Error) {
  let calls = 0
  const work = async () => {
    calls += 1
    if (calls <= times) throw error
    return calls
  }
  return { work, calls: () => calls }
}

test('runs again after a unique violation', async () => {
  expect(await retryConflict(failing(2, conflict).work)).toBe(3)
})

test('says UNAVAILABLE when it always loses', async () => {
  const { work, calls } = failing(9, conflict)
  await expect(retryConflict(work)).rejects.toMatchObject({ reason: 'UNAVAILABLE', retryAfter: 1 })
  expect(calls()).toBe(3)
})

test('any other error is final', async () => {
  const { work, calls } = failing(1, new Error('other'))
  await expect(retryConflict(work)).rejects.toThrow('other')
  expect(calls()).toBe(1)
})
