import type pg from 'pg'

type Query = (...args: unknown[]) => unknown
type Callback = (...args: unknown[]) => unknown

/**
 * Breaks a connection on which a statement has had no answer for so long, in milliseconds: whoever waits on it is told, and what the
 * statement did is undone. pg's own `query_timeout` would keep the connection, never send the ROLLBACK that is queued behind that
 * statement, and hand it on with its transaction open: what its next user is told is done would then never be committed. And
 * what belongs to each of its statements outlives it until the next full collection of garbage.
 */
export function breakWhenSilent(client: pg.PoolClient, ms: number): void {
  const query = client.query.bind(client) as Query
  let waiting = 0
  let silentSince = 0
  /** One for all that are asked meanwhile. */
  let timer: NodeJS.Timeout | undefined

  const look = () => {
    timer = undefined
    if (waiting === 0) return
    const left = silentSince + ms - performance.now()
    if (left > 0) timer = setTimeout(look, Math.ceil(left)).unref()
    else client.connection.stream.destroy(new Error('Query read timeout'))
  }
  const answered = () => {
    waiting -= 1
  }
  const guarded: Query = (...args) => {
    if (waiting === 0) silentSince = performance.now()
    waiting += 1
    timer ??= setTimeout(look, ms).unref()
    const last = args.length - 1
    const callback = args[last]
    if (typeof callback === 'function') return query(...args.with(last, after(answered, callback as Callback)))
    const result = query(...args)
    Promise.resolve(result).then(answered, answered)
    return result
  }
  client.query = guarded as typeof client.query
}

function after(answered: () => void, callback: Callback): Callback {
  return (...results) => {
    answered()
    callback(...results)
  }
}
