import { Resolver } from 'node:dns/promises'

/** A resolver's answer about the TXT records of a name. */
export type TxtAnswer =
  /** The records. The strings of each record are joined (RFC 7208 section 3.3). */
  | { readonly kind: 'records'; readonly records: readonly string[] }
  /** NXDOMAIN, or no TXT record at the name. */
  | { readonly kind: 'absent' }
  /** The resolver did not tell whether the name has TXT records. `why` is the error code of c-ares. */
  | { readonly kind: 'failed'; readonly why: string }

const TRIES = 2
const ABSENT_CODES = new Set(['ENOTFOUND', 'ENODATA'])

/**
 * Asks one of several equal resolvers for TXT records, within `timeoutMs` milliseconds. Without `servers` it asks the
 * system's resolvers. A server is an IP address with or without a port: `192.0.2.1:53` or `[2001:db8::1]:53`.
 * An invalid address counts as a resolver that fails. When `signal` aborts, the resolver counts as failed. Never
 * rejects.
 *
 * @example
 * ```ts
 * import { resolveTxt } from '@auth4agent/core/identity/resolve-txt'
 *
 * const answer = await resolveTxt(['192.0.2.1:53'], '_auth4agents.acme.example', 5_000)
 * if (answer.kind === 'records') console.log(answer.records)
 * ```
 */
export async function resolveTxt(
  servers: readonly string[],
  name: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<TxtAnswer> {
  // A Resolver caches answers, so each question needs a new one.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / TRIES), tries: TRIES })
  // c-ares waits longer with each try. This timer limits the sum.
  const cancel = () => resolver.cancel()
  const timer = setTimeout(cancel, timeoutMs)
  signal?.addEventListener('abort', cancel)
  try {
    if (servers.length > 0) resolver.setServers(servers)
    const records = await resolver.resolveTxt(name)
    return { kind: 'records', records: records.map((strings) => strings.join('')) }
  } catch (error) {
    const why = errorCode(error)
    return ABSENT_CODES.has(why) ? { kind: 'absent' } : { kind: 'failed', why }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
  }
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'EUNKNOWN'
}
