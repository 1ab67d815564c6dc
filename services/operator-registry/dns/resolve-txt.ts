import { Resolver } from 'node:dns/promises'

/** What one resolver says of a name's TXT records. */
export type TxtAnswer =
  /** The records, the strings of each joined (RFC 7208 section 3.3). */
  | { readonly kind: 'records'; readonly records: readonly string[] }
  /** NXDOMAIN, or no TXT record at the name. */
  | { readonly kind: 'absent' }
  /** No answer that says anything about the name; `why` is c-ares' code. */
  | { readonly kind: 'failed'; readonly why: string }

/** Asks every configured resolver once, in parallel. One answer for each, in their order; never rejects. */
export type ResolveTxt = (name: string) => Promise<readonly TxtAnswer[]>

interface ResolverOptions {
  /**
   * Address and port of each resolver, `192.0.2.1:53` or `[2001:db8::1]:53`. None means the system's, which count as one
   * resolver together: the lines of resolv.conf are stand-ins for each other, not witnesses.
   */
  readonly servers: readonly string[]
  /** Milliseconds after which a resolver has failed, all its tries together. */
  readonly timeoutMs: number
}

const TRIES = 2
const ABSENT_CODES = new Set(['ENOTFOUND', 'ENODATA'])

/**
 * Makes the function that asks the resolvers.
 *
 * @throws TypeError when a server is not an IP address with or without port.
 */
export function createTxtResolvers({ servers, timeoutMs }: ResolverOptions): ResolveTxt {
  const groups = servers.length === 0 ? [[]] : servers.map((server) => [server])
  for (const group of groups) if (group.length > 0) new Resolver().setServers(group)
  return (name) => Promise.all(groups.map((group) => ask(group, name, timeoutMs)))
}

async function ask(servers: readonly string[], name: string, timeoutMs: number): Promise<TxtAnswer> {
  // A resolver object keeps a cache of its own, so each question gets a fresh one.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / TRIES), tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers)
  // c-ares lengthens the wait with every try; this bounds them all together.
  const timer = setTimeout(() => resolver.cancel(), timeoutMs)
  try {
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
