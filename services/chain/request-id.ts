import { randomUUID } from 'node:crypto'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** A request's id: the caller's own when it is harmless, else a new UUID. */
export function requestId(offered: unknown): string {
  return typeof offered === 'string' && REQUEST_ID.test(offered) ? offered : randomUUID()
}
