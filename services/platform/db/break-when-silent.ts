import type pg from 'pg'

type Query = (...args: unknown[]) => unknown
type Callback = (...args: unknown[]) => unknown

/**
 * Breaks a connection when statements wait on it and none has been answered for `ms` milliseconds. All waiting
 * statements fail, and PostgreSQL rolls their transaction back.
 *
 * pg's own `query_timeout` does not work here. It keeps the connection, never sends the ROLLBACK that is queued behind
 * the statement, and returns the connection with its transaction open. The next user's work would be reported as done
 * and never be committed. It also keeps the memory of each statement until the next full garbage collection.
 *
 * Calls `onFailure` with the error of each statement that fails.
 */
export function breakWhenSilent(client: pg.PoolClient, ms: number, onFailure: (error: Error) => void): void {
  const query = client.query.bind(client) as Query
  let waiting = 0
  /** The time of the last answer, or of the first statement that waits. */
  let silentSince = 0
  /** One timer for all waiting statements. */
  let timer: NodeJS.Timeout | undefined

  /** Calls `then` if the silence has lasted too long. Otherwise checks again later. */
  const whenTooLong = (then: () => void) => {
    const left = silentSince + ms - performance.now()
    if (waiting === 0) return
    if (left > 0) timer ??= setTimeout(look, Math.ceil(left)).unref()
    else then()
  }
  const look = () => {
    timer = undefined
    // If this process did not run for a while, the answer may be there but unread. Read it before the last check.
    whenTooLong(() => setImmediate(whenTooLong, breakOff))
  }
  const breakOff = () => client.connection.stream.destroy(new Error('Query read timeout'))
  /** Starts to wait. Returns a function to call when the statement is answered. */
  const wait = () => {
    if (waiting === 0) silentSince = performance.now()
    waiting += 1
    timer ??= setTimeout(look, ms).unref()
    let isAnswered = false
    return (error?: unknown) => {
      // pg calls back twice when a value cannot be sent.
      if (isAnswered) return
      isAnswered = true
      if (error instanceof Error) onFailure(error)
      waiting -= 1
      // Give the next statement the full time. On a busy connection there may always be a waiting statement.
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

function after(answered: (error: unknown) => void, callback: Callback): Callback {
  return (...results) => {
    answered(results[0])
    callback(...results)
  }
}
