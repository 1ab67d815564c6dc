import { expect, it } from 'vitest'
import { createWakes } from '../wakes.ts'
import { lookUntil } from './look-until.ts'

const FOREVER = { waitMs: 3_600_000, everyMs: 3_600_000, gapMs: 0 }

it('lookUntil returns at once what the first look finds', async () => {
  expect(await lookUntil(createWakes(), FOREVER, async () => 'found')).toBe('found')
})

it('lookUntil looks again at each wake, and removes its listener at the end', async () => {
  const wakes = createWakes()
  let looks = 0
  const found = lookUntil(wakes, FOREVER, async () => {
    looks += 1
    setImmediate(wakes.wake)
    return looks === 3 ? 'found' : undefined
  })
  expect(await found).toBe('found')
  wakes.wake()
  expect(looks).toBe(3)
})

it('lookUntil does not miss a wake that comes during a look', async () => {
  const wakes = createWakes()
  let looks = 0
  const look = async () => {
    looks += 1
    wakes.wake()
    return looks === 2 ? 'found' : undefined
  }
  expect(await lookUntil(wakes, FOREVER, look)).toBe('found')
})

it('lookUntil looks without a wake too, because a notification can be lost', async () => {
  let looks = 0
  const look = async () => (++looks === 2 ? 'found' : undefined)
  expect(await lookUntil(createWakes(), { ...FOREVER, everyMs: 1 }, look)).toBe('found')
})

it('lookUntil ends without a result when the time is over, and when the process stops', async () => {
  const wakes = createWakes()
  expect(await lookUntil(wakes, { ...FOREVER, waitMs: 1 }, async () => undefined)).toBeUndefined()
  const waiting = lookUntil(wakes, FOREVER, async () => {
    setImmediate(() => void wakes.close())
    return undefined
  })
  expect(await waiting).toBeUndefined()
})

it('lookUntil looks at the first wake at once, and then only after a gap', async () => {
  const wakes = createWakes()
  let looks = 0
  const look = async () => {
    looks += 1
    setImmediate(wakes.wake)
    return undefined
  }
  const waiting = lookUntil(wakes, { ...FOREVER, gapMs: 3_600_000 }, look)
  while (looks < 2) await new Promise(setImmediate)
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  expect(looks).toBe(2)
  await wakes.close()
  expect(await waiting).toBeUndefined()
})
