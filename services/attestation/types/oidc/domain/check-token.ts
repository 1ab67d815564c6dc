import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { checkTimes, readAudiences, requireText } from '../../../../platform/jwt/claims.ts'
import { type AppraisalContext, type ClaimValue, RefusedEvidence, type VerifiedClaims } from '../../attestor-type.ts'

/** What the standard claims of a token must be. */
export interface TokenDemands {
  readonly issuer: string
  /** The audience that all tokens have. Undefined if the audience must be that of the agent's key. */
  readonly audience: string | undefined
  /** How old a token may be since its `iat`, in milliseconds. */
  readonly maxTokenAgeMs: number
}

/** The standard claims that decide about a token's single use. */
interface TokenTerm {
  /** When the token expires, in Unix milliseconds. */
  readonly expiresAt: number
  readonly jti: string | undefined
}

/** The longest lifetime of a token, in seconds. Tokens of managed identities in Azure live a little over 24 hours. */
export const MAX_LIFETIME_S = 25 * 3600

/** The noun in messages. */
const NAME = 'token'
const MAX_JTI = 256

/**
 * Checks the standard claims of an ID token (RFC 7519 section 4.1).
 *
 * @throws RefusedEvidence
 */
export function checkToken(demands: TokenDemands, payload: JsonObject, context: AppraisalContext): TokenTerm {
  if (payload['iss'] !== demands.issuer) throw new RefusedEvidence(`The iss of the token must be ${demands.issuer}`)
  checkAudience(payload, demands.audience ?? context.binding.audience)
  const expiresAt = checkLifetime(payload, demands.maxTokenAgeMs, context)
  requireText(payload, 'sub', NAME)
  const jti = Object.hasOwn(payload, 'jti') ? requireText(payload, 'jti', NAME, MAX_JTI) : undefined
  return { expiresAt, jti }
}

/** With several audiences, each of them could send the token here as its own. */
function checkAudience(payload: JsonObject, wanted: string): void {
  const [audience, ...others] = readAudiences(payload, NAME)
  if (others.length > 0) throw new RefusedEvidence('The token must have exactly one audience')
  if (audience !== wanted) throw new RefusedEvidence(`The aud of the token must be ${wanted}`)
}

/** Returns when the token expires, in Unix milliseconds. */
function checkLifetime(payload: JsonObject, maxTokenAgeMs: number, context: AppraisalContext): number {
  const maxAgeMs = Object.hasOwn(payload, 'iat') ? maxTokenAgeMs : undefined
  const { expiresAt, issuedAt } = checkTimes(payload, { name: NAME, needs: ['exp'], maxAgeMs }, context)
  const begin = issuedAt ?? context.now
  if (expiresAt !== undefined && expiresAt - begin <= MAX_LIFETIME_S * 1000) return expiresAt
  throw new RefusedEvidence(`The token must not live longer than ${MAX_LIFETIME_S} seconds`)
}

/**
 * Checks that verified claims have the values that the operator requires.
 *
 * @throws RefusedEvidence
 */
export function checkRequiredClaims(required: Readonly<Record<string, ClaimValue>>, claims: VerifiedClaims): void {
  for (const [name, value] of Object.entries(required)) {
    if (!Object.hasOwn(claims, name) || claims[name] !== value) {
      throw new RefusedEvidence(`The claim ${name} of the token must have the value that the operator requires`)
    }
  }
}
