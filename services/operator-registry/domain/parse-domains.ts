import { ApiError } from '../../platform/errors/api-error.ts'
import { parseDomain } from './parse-domain.ts'

interface Rules {
  readonly testDomains: boolean
}

const MAX_DOMAINS = 64
const EVERYONE = '*'

/**
 * Reads a list of domains as a set: at most 64, each in A-labels.
 *
 * @throws ApiError INVALID_DOMAIN
 */
export function parseDomains(field: string, domains: readonly string[], { testDomains }: Rules): string[] {
  if (domains.length > MAX_DOMAINS) {
    throw new ApiError('INVALID_DOMAIN', `${field} must have at most ${MAX_DOMAINS} domains`)
  }
  return [...new Set(domains.map((domain) => parseDomain(domain, { testDomains })))]
}

/**
 * Reads a list of domains, or the single entry `*`, which means every operator.
 *
 * @throws ApiError INVALID_DOMAIN
 */
export function parseDomainsOrEveryone(field: string, domains: readonly string[], rules: Rules): string[] {
  if (domains.length === 1 && domains[0] === EVERYONE) return [EVERYONE]
  if (domains.includes(EVERYONE)) {
    throw new ApiError(
      'INVALID_DOMAIN',
      `${field} must not contain * together with other entries, because * means every operator`,
    )
  }
  return parseDomains(field, domains, rules)
}
