import { ApiError } from '../../platform/errors/api-error.ts'

/**
 * What a failure means for the session it happened in. `sound`: nothing. `broken`: it is closed. `lost`: it is closed, as are
 * those that were opened in its time, and the work may succeed in a new one.
 */
export type Verdict = 'sound' | 'broken' | 'lost'

/** What a pool is made of. */
interface SessionPoolOptions<S> {
  /** How many sessions there are at most. */
  readonly size: number
  /** Opens a session that is logged in. */
  readonly open: () => S | Promise<S>
  /** Closes a session, whatever its state. */
  readonly close: (session: S) => void
  readonly judge: (error: unknown) => Verdict
  /** Told of each session that was lost. */
  readonly onLost: (error: unknown) => void
}

/** Sessions of a token. Each does one operation at a time, so callers wait for one to be free, in their order. */
export interface SessionPool<S> {
  /**
   * Runs work in a session; once more in a new one when the first was lost. Throws UNAVAILABLE when no session was free, or the work has
   * not ended, within `limitMs`, and once the pool is drained; else what the work throws. Work that is too slow keeps its
   * session until it ends.
   */
  use<T>(work: (session: S) => Promise<T>, limitMs: number): Promise<T>
  /** Carries a task out while there is no session at all. False when work did not end within `limitMs`: then it is left out. */
  alone(task: () => void, limitMs: number): Promise<boolean>
  /** Takes nothing new; gives the open sessions once all work has ended, undefined when that takes longer than `limitMs`. */
  drain(limitMs: number): Promise<readonly S[] | undefined>
}

/** A pool that opens its sessions when they are needed. */
export function createSessionPool<S>(options: SessionPoolOptions<S>): SessionPool<S> {
  const { run, takeIdle, closeIdle } = createRunner(options)
  const waiting = new Set<() => Promise<void>>()
  const drained = Promise.withResolvers<void>()
  let running = 0
  let isClosed = false

  const start = async (job: () => Promise<void>) => {
    running += 1
    await job()
    running -= 1
    const [next] = waiting
    if (next !== undefined) {
      waiting.delete(next)
      void start(next)
    } else if (isClosed && running === 0) drained.resolve()
  }
  const enter = (job: () => Promise<void>) => {
    if (running < options.size) void start(job)
    else waiting.add(job)
  }
  return {
    async use<T>(work: (session: S) => Promise<T>, limitMs: number) {
      if (isClosed) throw closed()
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      const timer = setTimeout(() => {
        waiting.delete(job)
        reject(unavailable('the token of the signing keys is too slow'))
      }, limitMs)
      const job = async () => {
        await run(work).then(resolve, reject)
        clearTimeout(timer)
      }
      enter(job)
      return await promise
    },
    async alone(task, limitMs) {
      if (isClosed) throw closed()
      const over = Promise.withResolvers<void>()
      const places = Array.from({ length: options.size }, () => {
        const entered = Promise.withResolvers<void>()
        enter(async () => {
          entered.resolve()
          await over.promise
        })
        return entered.promise
      })
      try {
        if (!(await isWithin(Promise.all(places), limitMs))) return false
        closeIdle()
        task()
        return true
      } finally {
        over.resolve()
      }
    },
    async drain(limitMs) {
      isClosed = true
      if (running === 0) drained.resolve()
      return (await isWithin(drained.promise, limitMs)) ? takeIdle() : undefined
    },
  }
}

/** Runs work in an idle session or a new one. */
function createRunner<S>({ open, close, judge, onLost }: SessionPoolOptions<S>) {
  let idle: S[] = []
  let generation = 0
  const takeIdle = () => {
    const taken = idle
    idle = []
    return taken
  }
  const closeIdle = () => {
    for (const session of takeIdle()) close(session)
  }
  const attempt = async <T>(session: S, work: (session: S) => Promise<T>): Promise<T> => {
    const startedIn = generation
    let isSound = true
    try {
      return await work(session)
    } catch (error) {
      isSound = judge(error) === 'sound'
      throw error
    } finally {
      if (isSound && startedIn === generation) idle.push(session)
      else close(session)
    }
  }
  const run = async <T>(work: (session: S) => Promise<T>): Promise<T> => {
    const startedIn = generation
    try {
      return await attempt(idle.pop() ?? (await open()), work)
    } catch (error) {
      if (judge(error) !== 'lost') throw error
      onLost(error)
      // What ended one has most likely ended all that were open then, but not those that others have opened since.
      if (startedIn === generation) {
        generation += 1
        closeIdle()
      }
      return await attempt(await open(), work)
    }
  }
  return { run, takeIdle, closeIdle }
}

async function isWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), limitMs)
  const isDone = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return isDone
}

function closed(): ApiError {
  return unavailable('the token of the signing keys is closed')
}

function unavailable(detail: string): ApiError {
  return new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
}
