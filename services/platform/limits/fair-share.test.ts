import { beforeEach, expect, it } from 'vitest'
import { createFairShare, type FairShare } from './fair-share.ts'
import { createShares } from './shares.ts'

let share: FairShare
let running: string[]

beforeEach(() => {
  // One key may wait for two of the six places: the third would be more than half of those that are left.
  share = createFairShare({ total: 4, perKey: 2 }, createShares({ max: 6, part: 0.5, keptMs: 0 }))
  running = []
})

/** Starts a task that runs until the test ends it. */
function work(key: string, name: string, isOver?: () => boolean) {
  const ending = Promise.withResolvers<string>()
  const done = share(
    key,
    async () => {
      running.push(name)
      return ending.promise
    },
    isOver,
  )
  // The test checks a rejection later.
  done.catch(() => undefined)
  return { done, end: () => ending.resolve(name), fail: () => ending.reject(new Error(name)) }
}
const never = () => new Promise<never>(() => {})
const turn = () => new Promise((resolve) => setImmediate(resolve))

it('createFairShare runs `perKey` tasks of one key at a time, and the waiting ones in order', async () => {
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

it('createFairShare gives each key one turn, however many tasks of another key have waited before', async () => {
  share = createFairShare({ total: 1, perKey: 1 }, createShares({ max: 100, part: 0.5, keptMs: 0 }))
  const first = work('a', 'a1')
  for (const name of ['a2', 'a3', 'a4']) work('a', name).end()
  for (const name of ['b1', 'b2']) work('b', name).end()
  work('c', 'c1').end()
  first.end()
  await turn()
  expect(running).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
})

it('createFairShare lets no more than `total` tasks run, and gives a free place to the next key', async () => {
  share = createFairShare({ total: 2, perKey: 2 }, createShares({ max: 100, part: 0.5, keptMs: 0 }))
  const [one] = ['a', 'b', 'c', 'd'].map((key) => work(key, key))
  await turn()
  expect(running).toEqual(['a', 'b'])
  one?.end()
  await turn()
  expect(running).toEqual(['a', 'b', 'c'])
})

it('createFairShare does not begin a task whose caller has stopped waiting, and passes its turn on', async () => {
  share = createFairShare({ total: 1, perKey: 1 }, createShares({ max: 100, part: 0.5, keptMs: 0 }))
  let isOver = false
  const first = work('a', '1')
  const late = work('a', '2', () => isOver)
  const next = work('a', '3')
  isOver = true
  first.end()
  await expect(late.done).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' })
  expect(running).toEqual(['1', '3'])
  next.end()
  expect(await next.done).toBe('3')
})

it('createFairShare bounds the waiting tasks of all shares with the same places', async () => {
  const places = createShares({ max: 2, part: 1, keptMs: 0 })
  const full = createFairShare({ total: 1, perKey: 1 }, places)
  const other = createFairShare({ total: 1, perKey: 1 }, places)
  for (const each of [full, full, other]) void each('a', never)
  void other('b', never)
  await expect(other('c', never)).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfter: 1 })
})
