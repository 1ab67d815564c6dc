import { Resolver } from 'node:dns/promises'
import { resolveTxt, type TxtAnswer } from '@auth4agent/core/identity/resolve-txt'

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

/**
 * Makes the function that asks the resolvers.
 *
 * @throws TypeError when a server is not an IP address with or without port.
 */
export function createTxtResolvers({ servers, timeoutMs }: ResolverOptions): ResolveTxt {
  const groups = servers.length === 0 ? [[]] : servers.map((server) => [server])
  for (const group of groups) if (group.length > 0) new Resolver().setServers(group)
  return (name) => Promise.all(groups.map((group) => resolveTxt(group, name, timeoutMs)))
}
