import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createSessionPool, type Verdict } from './session-pool.ts'

/** A pool of sessions that have numbers, and what became of them. */
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
/** Work that fails with this in these sessions. */
const failingIn = (sessions: readonly number[], message: string) => async (session: number) => {
  if (sessions.includes(session)) throw new Error(message)
  return session
}
const fail = () => {
  throw new Error('failed')
}
/** Work that goes on until it is told what to end with. */
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
  it('opens a session when there is none, and takes it again', async () => {
    const { pool, opened } = numbered()
    expect(await pool.use(same, LIMIT)).toBe(0)
    expect(await pool.use(same, LIMIT)).toBe(0)
    expect(opened).toEqual([0])
  })

  it('never has more work at a time than its size, and lets others wait in their order', async () => {
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

  it('gives up waiting after its time, and does not do the work later', async () => {
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

  it('gives up work that is too slow, and keeps its session from others until it ends', async () => {
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
    'throws what the work throws; a session that is %s after it: closed %j, next %j',
    async (verdict, closed, next) => {
      const numbers = numbered({ verdicts: { failed: verdict } })
      await expect(numbers.pool.use(failingIn([0], 'failed'), LIMIT)).rejects.toThrow('failed')
      expect(numbers.closed).toEqual(closed)
      expect([await numbers.pool.use(same, LIMIT)]).toEqual(next)
      expect(numbers.lost).toEqual([])
    },
  )

  it('does the work once more in a new session when the first was lost', async () => {
    const { pool, closed, lost } = numbered({ verdicts: { gone: 'lost' } })
    expect(await pool.use(failingIn([0], 'gone'), LIMIT)).toBe(1)
    expect([closed, lost]).toEqual([[0], ['gone']])
  })

  it('does it once more alone', async () => {
    const { pool, opened, closed } = numbered({ verdicts: { gone: 'lost' } })
    await expect(pool.use(failingIn([0, 1], 'gone'), LIMIT)).rejects.toThrow('gone')
    expect([opened, closed]).toEqual([
      [0, 1],
      [0, 1],
    ])
  })

  it('tries once more to open a session where the first could not be', async () => {
    const { pool, failures } = numbered({ verdicts: { gone: 'lost' } })
    failures.push(new Error('gone'))
    expect(await pool.use(same, LIMIT)).toBe(0)
    failures.push(new Error('gone'), new Error('gone'))
    expect(await pool.use(same, LIMIT)).toBe(0)
  })

  it('closes the idle sessions with one that was lost, and each busy one when it ends', async () => {
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

  it('keeps sessions that were opened after others were lost', async () => {
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
  it('waits for work, has the idle sessions closed, and lets nothing begin meanwhile', async () => {
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

  it('leaves its task out when work does not end in time, and what waits goes on', async () => {
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

  it('can be asked for by several at a time', async () => {
    const { pool } = numbered({ size: 3 })
    let done = 0
    await Promise.all(Array.from({ length: 5 }, () => pool.alone(() => void (done += 1), LIMIT)))
    expect([done, await pool.use(same, LIMIT)]).toEqual([5, 0])
  })

  it('goes on after a task that failed', async () => {
    const { pool } = numbered()
    await expect(pool.alone(fail, LIMIT)).rejects.toThrow('failed')
    expect(await pool.use(same, LIMIT)).toBe(0)
  })
})

describe('drain', () => {
  it('lets all that was asked for end, gives the sessions, and takes nothing more', async () => {
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

  it('gives no sessions when work does not end in time', async () => {
    const { pool } = numbered()
    const busy = held()
    const use = pool.use(busy.work, LIMIT)
    expect(await pool.drain(1)).toBeUndefined()
    busy.end()
    expect(await use).toBe('done')
  })
})
