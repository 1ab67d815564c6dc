import { isTokenAlgorithm, TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { parseAudience } from '@auth4agent/core/token/audience'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parseDomain } from './parse-domain.ts'

/** Who may ask for tokens for an audience, and what signs them. */
export interface AudienceRule {
  readonly audience: string
  /** Domains, or `*` alone; none where the rule is for the operator's own agents. */
  readonly callers: readonly string[]
  /** Name of a JOSE algorithm; empty for the default. */
  readonly tokenSigningAlg: string
}

/** What an operator decides for its agents and audiences. */
export interface OperatorPolicy {
  readonly audiences: readonly AudienceRule[]
  readonly requireBoundChallenges: boolean
}

interface PolicyRules {
  /** The operator's own domain. */
  readonly domain: string
  readonly testDomains: boolean
}

const MAX_AUDIENCES = 64
const MAX_CALLERS = 64
const EVERYONE = '*'

/**
 * Reads the policy of an operator: audiences under its own domain, each once; callers as a set; algorithms as they are written.
 *
 * @throws ApiError INVALID_AUDIENCE, INVALID_DOMAIN, INVALID_ALGORITHM
 */
export function parsePolicy(policy: OperatorPolicy, rules: PolicyRules): OperatorPolicy {
  if (policy.audiences.length > MAX_AUDIENCES) {
    throw new ApiError('INVALID_AUDIENCE', `a policy has at most ${MAX_AUDIENCES} audiences`)
  }
  const audiences = policy.audiences.map(({ audience, callers, tokenSigningAlg }) => ({
    audience: ownAudience(audience, rules.domain),
    callers: parseCallers(callers, rules),
    tokenSigningAlg: parseAlgorithm(tokenSigningAlg),
  }))
  if (new Set(audiences.map(({ audience }) => audience)).size < audiences.length) {
    throw new ApiError('INVALID_AUDIENCE', 'a policy names each audience once')
  }
  return { audiences, requireBoundChallenges: policy.requireBoundChallenges }
}

function ownAudience(text: string, domain: string): string {
  const audience = parseAudience(text)
  if (audience === undefined) {
    throw new ApiError('INVALID_AUDIENCE', 'an audience is an absolute URL or a host name, at most 255 characters')
  }
  if (audience.host !== domain && !audience.host.endsWith(`.${domain}`)) {
    throw new ApiError('INVALID_AUDIENCE', `an audience must lie under the operator's own domain, ${domain}`)
  }
  return audience.text
}

function parseCallers(callers: readonly string[], { testDomains }: PolicyRules): string[] {
  if (callers.length > MAX_CALLERS) {
    throw new ApiError('INVALID_DOMAIN', `an audience has at most ${MAX_CALLERS} callers`)
  }
  if (callers.length === 1 && callers[0] === EVERYONE) return [EVERYONE]
  if (callers.includes(EVERYONE))
    throw new ApiError('INVALID_DOMAIN', '* stands for every operator, and so stands alone')
  return [...new Set(callers.map((caller) => parseDomain(caller, { testDomains })))]
}

function parseAlgorithm(text: string): string {
  if (text !== '' && !isTokenAlgorithm(text)) {
    throw new ApiError('INVALID_ALGORITHM', `a token is signed with one of ${TOKEN_ALGORITHMS.join(', ')}`)
  }
  return text
}
