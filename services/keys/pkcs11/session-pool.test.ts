import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createSessionPool, type Verdict } from './session-pool.ts'

/** A pool of numbered sessions. It records which sessions were opened, closed and lost. */
function numbered({ size = 2, verdicts = {} }: { size?: number; verdicts?: Readonly<Record<string, Verdict>> } = {}) {
  const opened: number[] = []
  const closed: number[] = []
  const lost: unknown[] = []
  const failures: Error[] = []
  const pool = createSessionPool<number>({
    size,
    open() {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      opened.push(opened.length)
      return opened.length - 1
    },
    close: (session) => void closed.push(session),
    judge: (error) => verdicts[(error as Error).message] ?? 'broken',
    onLost: (error) => void lost.push((error as Error).message),
  })
  return { pool, opened, closed, lost, failures }
}

const LIMIT = 10_000
const same = async (session: number) => session
/** Work that fails with a message when it runs in one of these sessions. */
const failingIn = (sessions: readonly number[], message: string) => async (session: number) => {
  if (sessions.includes(session)) throw new Error(message)
  return session
}
const fail = () => {
  throw new Error('failed')
}
/** Work that runs until the test ends it. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const started = Promise.withResolvers<number>()
  const work = (session: number) => {
    started.resolve(session)
    return promise
  }
  return { work, started: started.promise, end: () => resolve('done'), fail: (text: string) => reject(new Error(text)) }
}

describe('use', () => {
  it('opens a session when there is none, and uses it again', async () => {
    const { pool, opened } = numbered()
    expect(await pool.use(same, LIMIT)).toBe(0)
    expect(await pool.use(same, LIMIT)).toBe(0)
    expect(opened).toEqual([0])
  })

  it('runs at most `size` pieces of work at a time, and the others in the order of the calls', async () => {
    const { pool, opened } = numbered({ size: 2 })
    let running = 0
    const order: number[] = []
    const most: number[] = []
    const uses = Array.from({ length: 20 }, (_, n) =>
      pool.use(async () => {
        order.push(n)
        most.push((running += 1))
        await new Promise(setImmediate)
        running -= 1
      }, LIMIT),
    )
    await Promise.all(uses)
    expect(Math.max(...most)).toBe(2)
    expect(order).toEqual(uses.map((_, n) => n))
    expect(opened).toEqual([0, 1])
  })

  it('throws UNAVAILABLE when no session is free in time, and does not run the work later', async () => {
    const { pool } = numbered({ size: 1 })
    const busy = held()
    const first = pool.use(busy.work, LIMIT)
    let isDone = false
    const second = pool.use(async () => {
      isDone = true
    }, 1)
    expect(await second.catch((error: unknown) => error)).toMatchObject({ reason: 'UNAVAILABLE', retryAfter: 1 })
    busy.end()
    expect(await first).toBe('done')
    expect(await pool.use(same, LIMIT)).toBe(0)
    expect(isDone).toBe(false)
  })

  it('throws UNAVAILABLE when the work is too slow, and reuses its session only after the work ends', async () => {
    const { pool, opened } = numbered({ size: 2 })
    const slow = held()
    expect(await refusalOf(pool.use(slow.work, 1))).toBe('UNAVAILABLE')
    expect(await pool.use(same, LIMIT)).toBe(1)
    slow.end()
    await pool.use(same, LIMIT)
    expect(opened).toEqual([0, 1])
  })

  it.each<[Verdict, readonly number[], readonly number[]]>([
    ['sound', [], [0]],
    ['broken', [0], [1]],
  ])(
    'throws the error of the work when the session is %s: closed sessions %j, next session %j',
    async (verdict, closed, next) => {
      const numbers = numbered({ verdicts: { failed: verdict } })
      await expect(numbers.pool.use(failingIn([0], 'failed'), LIMIT)).rejects.toThrow('failed')
      expect(numbers.closed).toEqual(closed)
      expect([await numbers.pool.use(same, LIMIT)]).toEqual(next)
      expect(numbers.lost).toEqual([])
    },
  )

  it('runs the work again in a new session when the first session was lost', async () => {
    const { pool, closed, lost } = numbered({ verdicts: { gone: 'lost' } })
    expect(await pool.use(failingIn([0], 'gone'), LIMIT)).toBe(1)
    expect([closed, lost]).toEqual([[0], ['gone']])
  })

  it('throws when the second session is lost too', async () => {
    const { pool, opened, closed } = numbered({ verdicts: { gone: 'lost' } })
    await expect(pool.use(failingIn([0, 1], 'gone'), LIMIT)).rejects.toThrow('gone')
    expect([opened, closed]).toEqual([
      [0, 1],
      [0, 1],
    ])
  })

  it('tries again to open a session when opening fails', async () => {
    const { pool, failures } = numbered({ verdicts: { gone: 'lost' } })
    failures.push(new Error('gone'))
    expect(await pool.use(same, LIMIT)).toBe(0)
    failures.push(new Error('gone'), new Error('gone'))
    expect(await pool.use(same, LIMIT)).toBe(0)
  })

  it('closes all idle sessions when one is lost, and each busy session when its work ends', async () => {
    const { pool, closed } = numbered({ size: 3, verdicts: { gone: 'lost' } })
    const [idle, busy, losing] = [held(), held(), held()]
    const all = [idle, busy].map(({ work }) => pool.use(work, LIMIT))
    const lost = pool.use((session) => (session === 2 ? losing.work(session) : Promise.resolve('again')), LIMIT)
    await Promise.all([idle.started, busy.started, losing.started])
    idle.end()
    await all[0]
    losing.fail('gone')
    expect(await lost).toBe('again')
    expect(closed).toEqual([2, 0])
    busy.end()
    expect(await all[1]).toBe('done')
    expect(closed).toEqual([2, 0, 1])
  })

  it('keeps a session that was opened after another was lost', async () => {
    const { pool, opened, closed } = numbered({ size: 2, verdicts: { gone: 'lost' } })
    const [one, other] = [held(), held()]
    const inFirst = (session: number) => (session < 2 ? [one, other][session]?.work(session) : undefined)
    const uses = [0, 1].map(() => pool.use(async (session) => (await inFirst(session)) ?? session, LIMIT))
    await Promise.all([one.started, other.started])
    one.fail('gone')
    expect(await uses[0]).toBe(2)
    other.fail('gone')
    expect(await uses[1]).toBe(3)
    expect(closed).toEqual([0, 1])
    expect(opened).toEqual([0, 1, 2, 3])
  })
})

describe('alone', () => {
  it('waits for running work, closes idle sessions, and delays new work until the task has run', async () => {
    const { pool, closed } = numbered({ size: 2 })
    const busy = held()
    const events: string[] = []
    const first = pool.use(busy.work, LIMIT).then(() => events.push('work'))
    const alone = pool.alone(() => void events.push(`alone, closed ${closed.join()}`), LIMIT)
    const later = pool.use(same, LIMIT).then((session) => events.push(`in ${session}`))
    busy.end()
    await Promise.all([first, later])
    expect(await alone).toBe(true)
    expect(events).toEqual(['work', 'alone, closed 0', 'in 1'])
  })

  it('returns false without the task when running work does not end in time', async () => {
    const { pool } = numbered({ size: 2 })
    const busy = held()
    const first = pool.use(busy.work, LIMIT)
    let isDone = false
    const alone = pool.alone(() => {
      isDone = true
    }, 1)
    expect(await alone).toBe(false)
    expect(await pool.use(same, LIMIT)).toBe(1)
    busy.end()
    expect([await first, isDone]).toEqual(['done', false])
  })

  it('runs the tasks of 5 simultaneous calls', async () => {
    const { pool } = numbered({ size: 3 })
    let done = 0
    await Promise.all(Array.from({ length: 5 }, () => pool.alone(() => void (done += 1), LIMIT)))
    expect([done, await pool.use(same, LIMIT)]).toEqual([5, 0])
  })

  it('throws the error of a failed task, and the pool stays usable', async () => {
    const { pool } = numbered()
    await expect(pool.alone(fail, LIMIT)).rejects.toThrow('failed')
    expect(await pool.use(same, LIMIT)).toBe(0)
  })
})

describe('drain', () => {
  it('waits for accepted work, returns the open sessions, and refuses new work', async () => {
    const { pool, closed } = numbered({ size: 2 })
    const uses = Array.from({ length: 9 }, () =>
      pool.use((session) => new Promise<number>((resolve) => setImmediate(resolve, session)), LIMIT),
    )
    const drained = pool.drain(LIMIT)
    expect(await refusalOf(pool.use(same, LIMIT))).toBe('UNAVAILABLE')
    expect(await refusalOf(pool.alone(() => {}, LIMIT))).toBe('UNAVAILABLE')
    expect(await Promise.all(uses)).toHaveLength(9)
    expect(new Set(await drained)).toEqual(new Set([0, 1]))
    expect(closed).toEqual([])
  })

  it('returns undefined when work does not end in time', async () => {
    const { pool } = numbered()
    const busy = held()
    const use = pool.use(busy.work, LIMIT)
    expect(await pool.drain(1)).toBeUndefined()
    busy.end()
    expect(await use).toBe('done')
  })
})
