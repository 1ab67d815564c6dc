import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import type { IssuerSettings } from './issuer-options.ts'

/** Returns the issuer that may speak for the domain of a DID, or undefined if none may. */
export type OwnerOf = (did: string) => string | undefined

/**
 * Divides the domains among several issuers. Each issuer has the domains in its `operators`. At most one accepts
 * 'any': it has all domains that no other issuer has. Returns undefined for a single issuer, which has all domains.
 *
 * Throws TypeError if two issuers would have the same domain, and for ids of operators: an id does not say which
 * domains the issuer may speak for.
 */
export function divideDomains(issuers: readonly Pick<IssuerSettings, 'issuer' | 'operators'>[]): OwnerOf | undefined {
  if (issuers.length === 1) return undefined
  const owners = new Map<string, string>()
  let other: string | undefined
  for (const { issuer, operators } of issuers) {
    if (operators.length === 0) {
      if (other !== undefined) throw new TypeError("operators can be 'any' for one issuer only")
      other = issuer
    }
    for (const domain of operators) {
      if (isUuid(domain)) throw new TypeError(`operators must be domains if there are several issuers, not ${domain}`)
      const owner = owners.get(domain)
      if (owner !== undefined && owner !== issuer)
        throw new TypeError(`operators must not name ${domain} for two issuers: ${owner} and ${issuer}`)
      owners.set(domain, issuer)
    }
  }
  return (did) => {
    const domain = parseDid(did)?.domain
    return domain === undefined ? undefined : (owners.get(domain) ?? other)
  }
}
