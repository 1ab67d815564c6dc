import { expect, it } from 'vitest'
import { deferred, pause, untilAborted } from './waiting.ts'

it('deferred resolves and rejects its promise from outside', async () => {
  const good = deferred<number>()
  good.resolve(1)
  const bad = deferred<number>()
  bad.reject(new Error('no'))
  expect(await good.promise).toBe(1)
  await expect(bad.promise).rejects.toThrow('no')
})

it("untilAborted resolves with the result, or rejects with the signal's reason if the signal aborts first", async () => {
  const { signal } = new AbortController()
  expect(await untilAborted(Promise.resolve(1), signal)).toBe(1)
  const never = new Promise<never>(() => undefined)
  const stop = new AbortController()
  const waiting = untilAborted(never, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  await expect(untilAborted(never, stop.signal)).rejects.toThrow('stopped')
})

it('pause cancels its timer when the signal aborts, and sets no timer after the signal has aborted', async () => {
  const calls: string[] = []
  const start = () => {
    calls.push('start')
    return () => void calls.push('cancel')
  }
  const stop = new AbortController()
  const waiting = pause(start, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  await expect(pause(start, stop.signal)).rejects.toThrow('stopped')
  expect(calls).toEqual(['start', 'cancel'])
})

it('pause resolves when its timer fires', async () => {
  await pause((onTime) => {
    onTime()
    return () => undefined
  }, new AbortController().signal)
})
