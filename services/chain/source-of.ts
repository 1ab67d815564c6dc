import { BlockList, isIP } from 'node:net'
import { sourceKey } from '../platform/limits/source-key.ts'

const MAPPED_PREFIX = '::ffff:'

/** Tells the address that a request came from, by its peer and what X-Forwarded-For says. */
export type SourceOf = (peer: string, forwarded: readonly string[]) => string

/**
 * Makes the function that tells a request's source: the peer's address or, behind trusted proxies, the last address of
 * X-Forwarded-For that no trusted proxy has. IPv4 addresses mapped into IPv6 are told as IPv4.
 * @param trusted addresses and CIDR ranges of proxies; throws Error for anything else
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
 * Makes the function that tells what the connections of a peer count under. A trusted proxy brings the calls of many sources,
 * so its connections count under none: undefined.
 */
export function createConnectionSource(trusted: readonly string[]): (peer: string) => string | undefined {
  const isTrusted = trustedBy(trusted)
  return (peer) => {
    const address = plainAddress(peer)
    return isTrusted(address) ? undefined : sourceKey(address)
  }
}

/** An address without the prefix of IPv4 mapped into IPv6. */
function plainAddress(address: string): string {
  const isMapped = address.startsWith(MAPPED_PREFIX) && address.includes('.')
  return isMapped ? address.slice(MAPPED_PREFIX.length) : address
}

function trustedBy(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of trusted) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address)
    if (family === 0) throw new Error(`${entry} is no address of a trusted proxy`)
    if (prefix === undefined) list.addAddress(address, family === 4 ? 'ipv4' : 'ipv6')
    else list.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
