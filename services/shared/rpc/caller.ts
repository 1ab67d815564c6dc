import { randomUUID } from 'node:crypto'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/
const MAPPED_PREFIX = '::ffff:'

/** A request's id: the caller's own when it is harmless, else a new UUID. */
export function requestId(offered: unknown): string {
  return typeof offered === 'string' && REQUEST_ID.test(offered) ? offered : randomUUID()
}

/** An address without the prefix of IPv4 mapped into IPv6. */
export function plainAddress(address: string): string {
  const isMapped = address.startsWith(MAPPED_PREFIX) && address.includes('.')
  return isMapped ? address.slice(MAPPED_PREFIX.length) : address
}
