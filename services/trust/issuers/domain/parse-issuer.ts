import { isIssuerUrl, isServerIssuer } from '@auth4agent/core/identity/issuer-url'
import type { IssuerKind } from '../../../../gen/prisma/enums.ts'
import { hasMalformedLabel } from '../../../operator-registry/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../../platform/errors/reasons.ts'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import { parseStoredTarget } from '../../../platform/outbound/parse-target.ts'

/** What the rules for addresses of foreign servers depend on. */
export interface AddressRules {
  /** The issuer of this deployment. */
  readonly ourIssuer: string
  /** Whether `localhost` and names under `.test` mean this machine. */
  readonly testDomains: boolean
}

/**
 * Checks a foreign issuer. It must be written as its tokens name it, because issuers are compared byte for byte.
 *
 * @throws ApiError INVALID_ISSUER
 */
export function parseIssuer(text: string, kind: IssuerKind, rules: AddressRules): string {
  const [isIssuer, slash] = kind === 'oauth' ? [isIssuerUrl, ''] : [isServerIssuer, ', no slash at its end']
  if (isIssuer(text)) return checkTarget('INVALID_ISSUER', 'issuer', text, rules)
  throw new ApiError(
    'INVALID_ISSUER',
    `issuer must be an https URL with its host in lower-case A-labels, no default port${slash}, no user, query or fragment, and at most 255 characters`,
  )
}

/**
 * Checks the address of an endpoint of a foreign server.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function parseEndpoint(field: string, text: string, rules: AddressRules): string {
  return checkTarget('INVALID_ARGUMENT', field, text, rules)
}

/** The server fetches from these addresses, so they must pass the rules for requests to the outside. */
function checkTarget(reason: ReasonCode, field: string, text: string, rules: AddressRules): string {
  const { hostname, origin } = parseTarget(reason, field, text, rules)
  if (hasMalformedLabel(hostname)) throw new ApiError(reason, `The host of ${field} must not have a malformed A-label`)
  if (origin !== new URL(rules.ourIssuer).origin) return text
  throw new ApiError(reason, `${field} must not be on the origin of this deployment`)
}

function parseTarget(reason: ReasonCode, field: string, text: string, { testDomains }: AddressRules): URL {
  try {
    return parseStoredTarget(text, testDomains)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new ApiError(reason, `${field} cannot be used: ${error.message}`)
  }
}
