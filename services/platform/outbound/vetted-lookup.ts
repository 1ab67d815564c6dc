import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { OutboundError } from './outbound-error.ts'
import { isLocalName } from './parse-target.ts'
import type { VetAddress } from './vet-address.ts'

/** Resolves a host name to all its addresses. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

const THIS_MACHINE: readonly LookupAddress[] = [{ address: '127.0.0.1', family: 4 }]

/** Options of createVettedLookup. */
interface VettedLookupDeps {
  readonly resolve: Resolve
  readonly vetAddress: VetAddress
  readonly testDomains: boolean
}

/**
 * Creates the `lookup` of every connection. A socket connects to the very addresses that this function has vetted, so
 * a second answer of DNS cannot change them. One forbidden address refuses the whole name: which address a socket
 * tries first would otherwise be the choice of the server that answers for the name.
 */
export function createVettedLookup({ resolve, vetAddress, testDomains }: VettedLookupDeps): LookupFunction {
  const addressesOf = async (hostname: string): Promise<LookupAddress[]> => {
    if (testDomains && isLocalName(hostname)) return [...THIS_MACHINE]
    const addresses = await resolve(hostname)
    // Node's sockets cannot take an empty list: they would throw where nobody can catch it.
    if (addresses.length === 0) throw new OutboundError('UNREACHABLE', `${hostname} has no address`)
    const forbidden = addresses.find(({ address }) => !vetAddress(address))
    if (forbidden === undefined) return [...addresses]
    const reason = 'which is not public and which AUTH4AGENT_OUTBOUND_ALLOW does not list'
    throw new OutboundError('ADDRESS_REFUSED', `${hostname} has the address ${forbidden.address}, ${reason}`)
  }
  const lookUp = callbackify(addressesOf)
  return (hostname, _options, callback) => lookUp(hostname, callback)
}
