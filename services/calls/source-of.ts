import { BlockList, isIP } from 'node:net'
import { sourceKey } from '../platform/limits/source-key.ts'

const MAPPED_PREFIX = '::ffff:'

/** Returns the source address of a request, from the address of the peer and the X-Forwarded-For headers. */
export type SourceOf = (peer: string, forwarded: readonly string[]) => string

/**
 * Creates the function that finds the source of a request. The source is the address of the peer. If the peer is a
 * trusted proxy, the source is the last address in X-Forwarded-For that is not a trusted proxy. An IPv4 address that
 * is mapped into IPv6 becomes an IPv4 address.
 * @param trusted addresses and CIDR ranges of proxies
 * @throws Error for an entry that is neither an address nor a range
 */
export function createSourceOf(trusted: readonly string[]): SourceOf {
  const isTrusted = trustedBy(trusted)
  return (peer, forwarded) => {
    let source = plainAddress(peer)
    if (trusted.length === 0 || !isTrusted(source)) return source
    for (const hop of forwarded.join(',').split(',').toReversed()) {
      const address = plainAddress(hop.trim())
      if (isIP(address) === 0) break
      source = address
      if (!isTrusted(address)) break
    }
    return source
  }
}

/**
 * Creates the function that returns the key under which connections of a peer are counted. It returns undefined for a
 * trusted proxy, because a proxy forwards the calls of many sources.
 */
export function createConnectionSource(trusted: readonly string[]): (peer: string) => string | undefined {
  const isTrusted = trustedBy(trusted)
  return (peer) => {
    const address = plainAddress(peer)
    return isTrusted(address) ? undefined : sourceKey(address)
  }
}

/** Creates the function that returns whether a peer is a trusted proxy. */
export function createIsTrusted(trusted: readonly string[]): (peer: string) => boolean {
  const isTrusted = trustedBy(trusted)
  return (peer) => trusted.length > 0 && isTrusted(plainAddress(peer))
}

/** Removes the prefix of IPv4 mapped into IPv6. */
function plainAddress(address: string): string {
  const isMapped = address.startsWith(MAPPED_PREFIX) && address.includes('.')
  return isMapped ? address.slice(MAPPED_PREFIX.length) : address
}

function trustedBy(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of trusted) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address)
    if (family === 0) throw new Error(`A trusted proxy must be an IP address or a CIDR range, not "${entry}"`)
    if (prefix === undefined) list.addAddress(address, family === 4 ? 'ipv4' : 'ipv6')
    else list.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
