import { Resolver } from 'node:dns/promises'

/** What one resolver says of a name's TXT records. */
export type TxtAnswer =
  /** The records, the strings of each joined (RFC 7208 section 3.3). */
  | { readonly kind: 'records'; readonly records: readonly string[] }
  /** NXDOMAIN, or no TXT record at the name. */
  | { readonly kind: 'absent' }
  /** No answer that says anything about the name; `why` is c-ares' code. */
  | { readonly kind: 'failed'; readonly why: string }

const TRIES = 2
const ABSENT_CODES = new Set(['ENOTFOUND', 'ENODATA'])

/**
 * Asks resolvers that stand in for each other, the system's where there are none, and takes `timeoutMs` at most. An address is one
 * of IP with or without port, `192.0.2.1:53` or `[2001:db8::1]:53`; what is none is a resolver that fails. Never rejects.
 */
export async function resolveTxt(servers: readonly string[], name: string, timeoutMs: number): Promise<TxtAnswer> {
  // A resolver object keeps a cache of its own, so each question gets a fresh one.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / TRIES), tries: TRIES })
  // c-ares lengthens the wait with every try; this bounds them all together.
  const timer = setTimeout(() => resolver.cancel(), timeoutMs)
  try {
    if (servers.length > 0) resolver.setServers(servers)
    const records = await resolver.resolveTxt(name)
    return { kind: 'records', records: records.map((strings) => strings.join('')) }
  } catch (error) {
    const why = errorCode(error)
    return ABSENT_CODES.has(why) ? { kind: 'absent' } : { kind: 'failed', why }
  } finally {
    clearTimeout(timer)
  }
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'EUNKNOWN'
}
