import type pg from 'pg'

type Query = (...args: unknown[]) => unknown
type Callback = (...args: unknown[]) => unknown

/**
 * Breaks a connection on which statements wait and none has had an answer for so long, in milliseconds: whoever waits on it is told,
 * and what the statements did is undone. pg's own `query_timeout` would keep the connection, never send the ROLLBACK that is queued
 * behind that statement, and hand it on with its transaction open: what its next user is told is done would then never be committed.
 * And what belongs to each of its statements outlives it until the next full collection of garbage.
 */
export function breakWhenSilent(client: pg.PoolClient, ms: number): void {
  const query = client.query.bind(client) as Query
  let waiting = 0
  /** The last answer, or since when there has been something to answer. */
  let silentSince = 0
  /** One for all that are asked meanwhile. */
  let timer: NodeJS.Timeout | undefined

  /** Does what is due once the silence has lasted too long; until then looks again. */
  const whenTooLong = (then: () => void) => {
    const left = silentSince + ms - performance.now()
    if (waiting === 0) return
    if (left > 0) timer ??= setTimeout(look, Math.ceil(left)).unref()
    else then()
  }
  const look = () => {
    timer = undefined
    // Where this process did not run for a while, the answer may have come and not have been read: that is next.
    whenTooLong(() => setImmediate(whenTooLong, breakOff))
  }
  const breakOff = () => client.connection.stream.destroy(new Error('Query read timeout'))
  /** Answers what is called once the statement is answered. */
  const wait = () => {
    if (waiting === 0) silentSince = performance.now()
    waiting += 1
    timer ??= setTimeout(look, ms).unref()
    let isAnswered = false
    return () => {
      // pg calls back twice where a value cannot be sent.
      if (isAnswered) return
      isAnswered = true
      waiting -= 1
      // What waited behind it has its own time: there may never be a moment when nothing waits.
      silentSince = performance.now()
    }
  }
  const guarded: Query = (...args) => {
    const answered = wait()
    try {
      const last = args.length - 1
      const callback = args[last]
      if (typeof callback === 'function') return query(...args.with(last, after(answered, callback as Callback)))
      const result = query(...args)
      Promise.resolve(result).then(answered, answered)
      return result
    } catch (error) {
      answered()
      throw error
    }
  }
  client.query = guarded as typeof client.query
}

function after(answered: () => void, callback: Callback): Callback {
  return (...results) => {
    answered()
    callback(...results)
  }
}
