import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { plainAddress } from '../shared/rpc/caller.ts'

/** Tells the address that a request came from. */
export type SourceOf = (request: IncomingMessage) => string

/**
 * Makes the function that tells a request's source: the peer's address or, behind trusted proxies, the last address of
 * X-Forwarded-For that no trusted proxy has. IPv4 addresses mapped into IPv6 are told as IPv4.
 * @param trusted addresses and CIDR ranges of proxies; throws Error for anything else
 */
export function createSourceOf(trusted: readonly string[]): SourceOf {
  const isTrusted = trustedBy(trusted)
  return (request) => {
    const peer = plainAddress(request.socket.remoteAddress ?? '')
    if (trusted.length === 0 || !isTrusted(peer)) return peer
    const header = request.headers['x-forwarded-for']
    const hops = (typeof header === 'string' ? header : (header ?? []).join(',')).split(',').map((hop) => hop.trim())
    let source = peer
    for (const hop of hops.toReversed()) {
      const address = plainAddress(hop)
      if (isIP(address) === 0) break
      source = address
      if (!isTrusted(address)) break
    }
    return source
  }
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
