import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.parse>
type Range = readonly [Address, number]

/** The only part of IPv6 that is assigned to public unicast (RFC 4291 section 2.4, IANA's registry). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')
/** Public by its range, but inside a virtual machine of Azure it is the platform's own service. */
const AZURE_PLATFORM = '168.63.129.16'

/** Returns whether the server may connect to an address. */
export type VetAddress = (address: string) => boolean

/**
 * Creates the rule for addresses: public unicast, and what the administrator allows. Forms of IPv6 that contain an
 * IPv4 address are not public, because a gateway may lead them to any IPv4 address.
 * @param allow addresses and CIDR ranges, of AUTH4AGENT_OUTBOUND_ALLOW
 */
export function createVetAddress(allow: readonly string[]): VetAddress {
  const allowed = allow.map(parseRange)
  return (text) => {
    if (isIP(text) === 0) return false
    const address = ipaddr.parse(withoutZone(text))
    return isPublic(address) || allowed.some((range) => contains(range, address))
  }
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || address.toString() === AZURE_PLATFORM) return false
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST)
}

/** A zone names an interface of this machine, and no range depends on it. */
function withoutZone(text: string): string {
  return text.replace(/%[^/]*/, '')
}

function parseRange(range: string): Range {
  const text = withoutZone(range)
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function contains([network, bits]: Range, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits)
}
