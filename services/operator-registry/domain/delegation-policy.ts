import { ApiError } from '../../platform/errors/api-error.ts'
import { parseDomain } from './parse-domain.ts'

/** An operator's decisions about the grants of its agents. */
export interface DelegationPolicy {
  /** Domains whose agents may hold grants of the operator's agents, besides the operator's own domain. */
  readonly delegateTo: readonly string[]
  /** Longest lifetime of a grant in seconds; 0 means the longest lifetime of all grants. */
  readonly maxGrantTtl: number
}

interface Rules {
  /** The operator's own domain. */
  readonly domain: string
  readonly testDomains: boolean
}

/** A grant names at most 16 domains, and the operator's own domain is one of them. */
const MAX_OTHERS = 15
const MIN_TTL_S = 60
const MAX_TTL_S = 3600

/**
 * Checks and normalises the part of a policy that is about grants. Duplicate domains are removed.
 *
 * @throws ApiError INVALID_DOMAIN, INVALID_ARGUMENT
 */
export function parseDelegationPolicy({ delegateTo, maxGrantTtl }: DelegationPolicy, rules: Rules): DelegationPolicy {
  // Parsing a domain is slow, so a list that is far too long is refused first.
  if (delegateTo.length > 2 * MAX_OTHERS) throw tooMany()
  const domains = [...new Set(delegateTo.map((domain) => parseDomain(domain, rules)))]
  if (domains.filter((domain) => domain !== rules.domain).length > MAX_OTHERS) throw tooMany()
  if (maxGrantTtl !== 0 && (maxGrantTtl < MIN_TTL_S || maxGrantTtl > MAX_TTL_S)) {
    throw new ApiError('INVALID_ARGUMENT', `max_grant_ttl must be 0, or between ${MIN_TTL_S} and ${MAX_TTL_S} seconds`)
  }
  return { delegateTo: domains, maxGrantTtl }
}

/**
 * Returns whether a new policy allows less than the old one: a domain is gone, or grants live shorter. The operator's
 * own domain is never gone, because it is always allowed.
 */
export function narrowsDelegation(before: DelegationPolicy, after: DelegationPolicy, ownDomain: string): boolean {
  const allowed = new Set([ownDomain, ...after.delegateTo])
  return before.delegateTo.some((domain) => !allowed.has(domain)) || longestTtl(after) < longestTtl(before)
}

/** Returns the longest lifetime of a grant that a policy allows, in seconds. */
export function longestTtl({ maxGrantTtl }: Pick<DelegationPolicy, 'maxGrantTtl'>): number {
  return maxGrantTtl === 0 ? MAX_TTL_S : maxGrantTtl
}

function tooMany(): ApiError {
  return new ApiError(
    'INVALID_DOMAIN',
    `delegate_to must have at most ${MAX_OTHERS} domains besides the operator's own`,
  )
}
