import { Resolver } from 'node:dns/promises'
import { resolveTxt, type TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { type Span, traced } from '../trace/span.ts'

/**
 * Asks all configured resolvers in parallel. Returns one answer per resolver, in the configured order. When `signal`
 * aborts, the resolvers without an answer count as failed. `span` is of the call that needs them. Never rejects.
 */
export type ResolveTxt = (name: string, signal?: AbortSignal, span?: Span) => Promise<readonly TxtAnswer[]>

interface ResolverOptions {
  /**
   * Address and port of each resolver, `192.0.2.1:53` or `[2001:db8::1]:53`. Empty means the system's resolvers.
   * Together they count as one resolver, because the servers in resolv.conf replace each other and are not
   * independent.
   */
  readonly servers: readonly string[]
  /** Milliseconds, all retries included, after which a resolver without an answer counts as failed. */
  readonly timeoutMs: number
}

/**
 * Creates a function that asks the resolvers for TXT records.
 *
 * @throws TypeError when a server is not an IP address, with or without a port.
 */
export function createTxtResolvers({ servers, timeoutMs }: ResolverOptions): ResolveTxt {
  const groups = servers.length === 0 ? [[]] : servers.map((server) => [server])
  for (const group of groups) if (group.length > 0) new Resolver().setServers(group)
  const askAll = (name: string, signal: AbortSignal | undefined) =>
    Promise.all(groups.map((group) => resolveTxt(group, name, timeoutMs, signal)))
  const options = { kind: 'client', attributes: { 'auth4agent.resolvers': groups.length } } as const
  return (name, signal, span) => traced(span, 'dns', () => askAll(name, signal), options)
}
