import { ApiError } from '../../platform/errors/api-error.ts'

/**
 * What a failure of work means for the session in which the work ran.
 * - `sound`: the session stays usable.
 * - `broken`: the pool closes the session.
 * - `lost`: the pool closes the session and all other sessions that were open at that time. The work may succeed in a
 *   new session.
 */
export type Verdict = 'sound' | 'broken' | 'lost'

/** Options of createSessionPool. */
interface SessionPoolOptions<S> {
  /** Maximum number of sessions at the same time. */
  readonly size: number
  /** Opens a session that is logged in. */
  readonly open: () => S | Promise<S>
  /** Closes a session in any state. */
  readonly close: (session: S) => void
  readonly judge: (error: unknown) => Verdict
  /** The pool calls this function when the first attempt fails and `judge` answers `lost`. */
  readonly onLost: (error: unknown) => void
}

/** Sessions of a hardware token. A session runs one operation at a time, so callers queue for a free session. */
export interface SessionPool<S> {
  /**
   * Runs work in a session. When the session was lost, runs the work once more in a new session. Work that is too slow
   * keeps its session until the work ends.
   * @throws ApiError UNAVAILABLE when the work has not ended within `limitMs`, including the wait for a session, or
   * when the pool is drained. Otherwise the error of the work.
   */
  use<T>(work: (session: S) => Promise<T>, limitMs: number): Promise<T>
  /**
   * Closes all sessions, then runs a task. Returns false and does not run the task when running work does not end
   * within `limitMs`.
   */
  alone(task: () => void, limitMs: number): Promise<boolean>
  /**
   * Refuses new work. Returns the open sessions when all work has ended, or undefined when that takes longer than
   * `limitMs`.
   */
  drain(limitMs: number): Promise<readonly S[] | undefined>
}

/** Creates a pool that opens sessions when they are needed. */
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
        reject(unavailable('The hardware token of the signing keys did not answer in time'))
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

/** Creates the functions that run work in an idle or new session, and that take or close the idle sessions. */
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
      // The sessions of the generation in which this work started are most likely lost too. If other work has begun a
      // new generation already, its sessions are newer and stay open.
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
  return unavailable('The hardware token of the signing keys is closed')
}

function unavailable(detail: string): ApiError {
  return new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
}
