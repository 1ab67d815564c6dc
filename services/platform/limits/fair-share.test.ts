import { beforeEach, expect, it } from 'vitest'
import { createFairShare, type FairShare } from './fair-share.ts'

let share: FairShare
let running: string[]

beforeEach(() => {
  share = createFairShare({ atOnce: 2, waiting: 2 })
  running = []
})

/** Starts a task that runs until the test ends it. */
function work(key: string, name: string) {
  const ending = Promise.withResolvers<string>()
  const done = share(key, async () => {
    running.push(name)
    return ending.promise
  })
  // The test checks a rejection later.
  done.catch(() => undefined)
  return { done, end: () => ending.resolve(name), fail: () => ending.reject(new Error(name)) }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

it('createFairShare runs `atOnce` tasks of one key at a time, and the waiting ones in order', async () => {
  const [one, two, three, four] = ['1', '2', '3', '4'].map((name) => work('a', name))
  await turn()
  expect(running).toEqual(['1', '2'])
  two?.end()
  await turn()
  expect(running).toEqual(['1', '2', '3'])
  one?.fail()
  await expect(one?.done).rejects.toThrow('1')
  await turn()
  expect(running).toEqual(['1', '2', '3', '4'])
  three?.end()
  four?.end()
  expect(await Promise.all([two?.done, three?.done, four?.done])).toEqual(['2', '3', '4'])
})

it('createFairShare refuses a task when too many wait, and accepts one again when there is room', async () => {
  const taken = ['1', '2', '3', '4'].map((name) => work('a', name))
  const refused = work('a', '5')
  await expect(refused.done).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfter: 1 })
  taken[0]?.end()
  await turn()
  work('a', '6')
  taken[1]?.end()
  taken[2]?.end()
  await turn()
  expect(running).toEqual(['1', '2', '3', '4', '6'])
})

it('createFairShare runs a task of one key at once while the places of another key are full', async () => {
  for (const name of ['1', '2', '3', '4']) work('a', name)
  work('b', 'other')
  await turn()
  expect(running).toEqual(['1', '2', 'other'])
})
