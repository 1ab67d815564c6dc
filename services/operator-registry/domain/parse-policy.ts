import { isTokenAlgorithm, TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { parseAudience } from '@auth4agent/core/token/audience'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type DelegationPolicy, parseDelegationPolicy } from './delegation-policy.ts'
import { parseDomainsOrEveryone } from './parse-domains.ts'
import { parseUserAccess, parseUsersTo, type UserAccess } from './user-access.ts'

/** Which agents may ask for tokens for an audience, and which algorithm signs these tokens. */
export interface AudienceRule {
  readonly audience: string
  /** Domains whose agents may ask, or the single entry `*`. Empty when only the operator's own agents may ask. */
  readonly callers: readonly string[]
  /** Name of a JOSE algorithm; empty means the default. */
  readonly tokenSigningAlg: string
  /** Whether tokens must be bound to a key: empty for no, or one of {@link DPOP_RULES}. */
  readonly dpop: string
  /** Where the status of tokens is published: empty for nowhere, or one of {@link STATUS_RULES}. */
  readonly tokenStatus: string
  /** Which users may sign in for the audience; absent if none may. */
  readonly users?: UserAccess | undefined
}

/** Rules that an audience can have for DPoP (RFC 9449). */
const DPOP_RULES: readonly string[] = ['required', 'required-with-nonce']
/** Rules that an audience can have for the status of its tokens. */
const STATUS_RULES: readonly string[] = ['status_list']

/** An operator's decisions about its agents, their grants, and its audiences. */
export interface OperatorPolicy extends DelegationPolicy {
  readonly audiences: readonly AudienceRule[]
  readonly requireBoundChallenges: boolean
  /** Whether every assertion for a change must contain the digest of the request body. */
  readonly requireBodyDigest: boolean
  /** Whether GetAgent leaves out the scopes of the operator's agents. */
  readonly hideAllowedScopes: boolean
  /** Domains of other owners to whose audiences the operator's users may go. */
  readonly usersTo: readonly string[]
}

interface PolicyRules {
  /** The operator's own domain. */
  readonly domain: string
  readonly testDomains: boolean
}

const MAX_AUDIENCES = 64

/**
 * Checks and normalises an operator's policy. Audiences must be under the operator's own domain, each at most once.
 * Duplicate callers are removed. Names of algorithms are case-sensitive.
 *
 * @throws ApiError INVALID_AUDIENCE, INVALID_DOMAIN, INVALID_ALGORITHM, INVALID_SCOPE, INVALID_ARGUMENT
 */
export function parsePolicy(policy: OperatorPolicy, rules: PolicyRules): OperatorPolicy {
  if (policy.audiences.length > MAX_AUDIENCES) {
    throw new ApiError('INVALID_AUDIENCE', `A policy must have at most ${MAX_AUDIENCES} audiences`)
  }
  const audiences = policy.audiences.map(({ audience, callers, tokenSigningAlg, dpop, tokenStatus, users }) => ({
    audience: ownAudience(audience, rules.domain),
    callers: parseDomainsOrEveryone('callers', callers, rules),
    tokenSigningAlg: parseAlgorithm(tokenSigningAlg),
    dpop: parseRule('dpop', dpop, DPOP_RULES),
    tokenStatus: parseRule('token_status', tokenStatus, STATUS_RULES),
    ...(users && { users: parseUserAccess(users, rules) }),
  }))
  if (new Set(audiences.map(({ audience }) => audience)).size < audiences.length) {
    throw new ApiError('INVALID_AUDIENCE', 'A policy must not name an audience twice')
  }
  const { requireBoundChallenges, requireBodyDigest, hideAllowedScopes } = policy
  return {
    audiences,
    requireBoundChallenges,
    requireBodyDigest,
    hideAllowedScopes,
    usersTo: parseUsersTo(policy.usersTo, rules),
    ...parseDelegationPolicy(policy, rules),
  }
}

function ownAudience(text: string, domain: string): string {
  const audience = parseAudience(text)
  if (audience === undefined) {
    throw new ApiError(
      'INVALID_AUDIENCE',
      'An audience must be an absolute URL or a host name of at most 255 characters',
    )
  }
  if (audience.host !== domain && !audience.host.endsWith(`.${domain}`)) {
    throw new ApiError('INVALID_AUDIENCE', `An audience must be under the operator's own domain, ${domain}`)
  }
  return audience.text
}

function parseAlgorithm(text: string): string {
  if (text !== '' && !isTokenAlgorithm(text)) {
    throw new ApiError('INVALID_ALGORITHM', `token_signing_alg must be empty or one of ${TOKEN_ALGORITHMS.join(', ')}`)
  }
  return text
}

function parseRule(name: string, text: string, rules: readonly string[]): string {
  if (text !== '' && !rules.includes(text)) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `${name} must be empty or ${rules.length > 1 ? 'one of ' : ''}${rules.join(', ')}`,
    )
  }
  return text
}
