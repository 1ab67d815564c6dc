import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { toProofMembers } from './bound-tokens.ts'
import { isVerdict, type VerificationReason } from './errors.ts'
import { type Fetch, fetchJson } from './http.ts'
import type { Demands } from './wanted.ts'

/**
 * Asks the issuer about a token. Resolves with the reason why it is not valid, or undefined if it is valid. Rejects if
 * the issuer does not answer.
 */
export type Ask = (token: string, claims: AccessTokenClaims, wanted: Demands) => Promise<VerificationReason | undefined>

const MAX_BYTES = 65_536

/** Makes a function that asks `POST /v1/verify` each time. It keeps no answer. */
export function createAsk(fetch: Fetch, locate: () => Promise<string>): Ask {
  return async (token, claims, { audience, scope, operators, dpop }) => {
    const body = JSON.stringify({
      token,
      audience,
      ...(scope.length > 0 && { scope: scope.join(' ') }),
      ...(operators.length > 0 && { operators }),
      ...(typeof dpop === 'object' && toProofMembers(dpop)),
    })
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const { json } = await fetchJson(fetch, await locate(), MAX_BYTES, { method: 'POST', headers, body })
    const { valid, reason } = json
    const told = json['claims']
    // The answer must be about this token, because a cache may return an answer about another token.
    if (valid === true && isJsonObject(told) && told['jti'] === claims.jti && told['sub'] === claims.sub)
      return undefined
    if (valid === false && isVerdict(reason)) return reason
    throw new TypeError('The answer of the issuer must be a verdict about this token')
  }
}
