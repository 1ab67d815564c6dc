import { Resolver } from 'node:dns/promises'
import type { Resolve } from './vetted-lookup.ts'

/** How DNS is asked. */
export interface HostResolverOptions {
  /** Address and port of each server. Empty means those of the system. */
  readonly servers?: readonly string[]
  /** Milliseconds to wait for the first answer of a server. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 2_000
const TRIES = 2

/**
 * Creates a function that asks DNS for the addresses of a host. It does not read the file of hosts.
 *
 * Operators choose some of these hosts. `dns.lookup` would hold a thread of the process for each name whose server
 * does not answer, and there are few: two such names would stop every look-up of the process, that of the database
 * too.
 */
export function createHostResolver({ servers = [], timeoutMs = TIMEOUT_MS }: HostResolverOptions = {}): Resolve {
  const resolver = new Resolver({ timeout: timeoutMs, tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers)
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const found = [
      ...addressesOf(four).map((address) => ({ address, family: 4 })),
      ...addressesOf(six).map((address) => ({ address, family: 6 })),
    ]
    if (found.length === 0 && four.status === 'rejected') throw four.reason
    return found
  }
}

function addressesOf(answer: PromiseSettledResult<readonly string[]>): readonly string[] {
  return answer.status === 'fulfilled' ? answer.value : []
}
