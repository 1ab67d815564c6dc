import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Ports } from '../../compose/listener.ts'
import { createLogger } from '../../platform/log/log.ts'
import { superviseWorkers, type Worker } from './supervise.ts'

vi.mock('node:timers/promises', () => import('../../../test/support/fake-timers-promises.ts'))

const PORTS: Ports = { httpPort: 8080, grpcPort: 8081 }
const STOP_MS = 5_000

/** A worker that the test controls. */
interface Actor extends Worker {
  readonly number: number
  readonly told: string[]
  listens(): void
  fails(sentence: string): void
  ends(reason: string): void
}

let actors: Actor[]
let lines: Record<string, unknown>[]

beforeEach(() => {
  actors = []
  lines = []
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function launch(number: number): Actor {
  const listening = Promise.withResolvers<Ports>()
  const ended = Promise.withResolvers<string>()
  listening.promise.catch(() => undefined)
  const told: string[] = []
  const actor: Actor = {
    number,
    pid: 1_000 + actors.length,
    told,
    listening: listening.promise,
    ended: ended.promise,
    stop: () => void told.push('stop'),
    kill: () => void told.push('kill'),
    listens: () => listening.resolve(PORTS),
    fails: (sentence) => listening.reject(new Error(sentence)),
    ends: (reason) => ended.resolve(reason),
  }
  actors.push(actor)
  return actor
}

const log = createLogger('info', (line) => lines.push(JSON.parse(line)))
const stopping = () => new AbortController().signal
const supervise = (count: number, signal = stopping()) =>
  superviseWorkers({ count, launch, stopMs: STOP_MS, stopping: signal, log })

/** Supervises `count` workers that all listen. */
async function running(count: number) {
  const starting = supervise(count)
  for (const actor of actors) actor.listens()
  return starting
}

const latest = (): Actor => actors.at(-1) ?? expect.unreachable()
const settle = () => vi.advanceTimersByTimeAsync(0)

describe('superviseWorkers, at the start', () => {
  it('starts all workers at once and resolves when the last one listens', async () => {
    const over = vi.fn()
    void supervise(3).then(over)
    expect(actors.map(({ number }) => number)).toEqual([1, 2, 3])
    actors[0]?.listens()
    actors[2]?.listens()
    await settle()
    expect(over).not.toHaveBeenCalled()
    actors[1]?.listens()
    await settle()
    expect(over).toHaveBeenCalledWith(expect.objectContaining({ ports: PORTS }))
  })

  it('kills all workers and rejects with the reason of the first that cannot start', async () => {
    const starting = supervise(3)
    actors[0]?.listens()
    actors[2]?.fails('no database')
    actors[1]?.fails('no database either')
    const failed = vi.fn()
    const ending = starting.catch(({ message }: Error) => failed(message))
    await settle()
    expect(actors.map(({ told }) => told)).toEqual([['kill'], ['kill'], ['kill']])
    for (const actor of actors) {
      expect(failed).not.toHaveBeenCalled()
      actor.ends('killed by SIGKILL')
      await settle()
    }
    await ending
    expect(failed).toHaveBeenCalledWith('no database')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(actors).toHaveLength(3)
  })
})

describe('superviseWorkers, when it is stopped before all workers listen', () => {
  it('kills all workers, and rejects with the reason when they have ended', async () => {
    const stopping = new AbortController()
    const failed = vi.fn()
    const ending = supervise(2, stopping.signal).catch(failed)
    actors[0]?.listens()
    await settle()
    stopping.abort('SIGTERM')
    await settle()
    expect(actors.map(({ told }) => told)).toEqual([['kill'], ['kill']])
    expect(failed).not.toHaveBeenCalled()
    for (const actor of actors) actor.ends('killed by SIGKILL')
    await ending
    expect(failed).toHaveBeenCalledWith('SIGTERM')
    expect(actors).toHaveLength(2)
  })
})

describe('superviseWorkers, when a worker ends', () => {
  it('replaces only this worker, under its number, after a pause', async () => {
    await running(2)
    actors[1]?.ends('killed by SIGKILL')
    await vi.advanceTimersByTimeAsync(99)
    expect(actors).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(latest()).toMatchObject({ number: 2, pid: 1_002 })
    latest().listens()
    await settle()
    expect(actors[0]?.told).toEqual([])
    expect(lines.slice(2)).toMatchObject([
      { worker: 2, pid: 1_001, reason: 'killed by SIGKILL', pauseMs: 100, msg: 'a worker ended and is replaced' },
      { worker: 2, pid: 1_002, msg: 'a worker listens' },
    ])
  })

  it('doubles the pause with each crash, and starts again at 100 ms after a life of one minute', async () => {
    await running(1)
    for (const pauseMs of [100, 200, 400]) {
      latest().ends('exit status 1')
      await vi.advanceTimersByTimeAsync(pauseMs)
    }
    await vi.advanceTimersByTimeAsync(60_000)
    latest().ends('exit status 1')
    await settle()
    const pauses = lines.filter(({ pauseMs }) => pauseMs !== undefined).map(({ pauseMs }) => pauseMs)
    expect(pauses).toEqual([100, 200, 400, 100])
  })

  it('logs why a replacement cannot start, and starts another one', async () => {
    await running(1)
    latest().ends('killed by SIGKILL')
    await vi.advanceTimersByTimeAsync(100)
    latest().fails('no database')
    latest().ends('exit status 1')
    await vi.advanceTimersByTimeAsync(200)
    expect(actors).toHaveLength(3)
    expect(lines).toContainEqual(expect.objectContaining({ worker: 1, problem: 'no database' }))
  })
})

describe('superviseWorkers, at the stop', () => {
  it('stops all workers, waits until all have ended and replaces none', async () => {
    const server = await running(2)
    const over = vi.fn()
    const stopping = server.stop().then(over)
    expect(actors.map(({ told }) => told)).toEqual([['stop'], ['stop']])
    actors[0]?.ends('exit status 0')
    await settle()
    expect(over).not.toHaveBeenCalled()
    actors[1]?.ends('exit status 0')
    await stopping
    await vi.advanceTimersByTimeAsync(60_000)
    expect(actors).toHaveLength(2)
    expect(actors.map(({ told }) => told)).toEqual([['stop'], ['stop']])
  })

  it('kills workers that do not end in time', async () => {
    const server = await running(2)
    const stopping = server.stop()
    actors[0]?.ends('exit status 0')
    await vi.advanceTimersByTimeAsync(STOP_MS - 1)
    expect(actors[1]?.told).toEqual(['stop'])
    await vi.advanceTimersByTimeAsync(1)
    actors[1]?.ends('killed by SIGKILL')
    await stopping
    expect(actors[1]?.told).toEqual(['stop', 'kill'])
  })

  it('does not wait for the pause before a replacement', async () => {
    const server = await running(1)
    latest().ends('killed by SIGKILL')
    await settle()
    await server.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(actors).toHaveLength(1)
  })
})
