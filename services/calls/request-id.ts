import { randomUUID } from 'node:crypto'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Returns the id of a request: the caller's id if it has a safe form, otherwise a new UUID. */
export function requestId(offered: unknown): string {
  return typeof offered === 'string' && REQUEST_ID.test(offered) ? offered : randomUUID()
}
