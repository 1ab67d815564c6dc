import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { isVerdict, type VerificationReason } from './errors.ts'
import { type Fetch, fetchJson } from './http.ts'

/** Asks the issuer about a token. Resolves with why it is not valid, or undefined; rejects when the issuer does not answer. */
export type Ask = (
  token: string,
  claims: AccessTokenClaims,
  wanted: Requirements,
) => Promise<VerificationReason | undefined>

const MAX_BYTES = 65_536

/** `POST /v1/verify`. Nothing of an answer is kept. */
export function createAsk(fetch: Fetch, locate: () => Promise<string>): Ask {
  return async (token, claims, { audience, scope, operators }) => {
    const body = JSON.stringify({
      token,
      audience,
      ...(scope.length > 0 && { scope: scope.join(' ') }),
      ...(operators.length > 0 && { operators }),
    })
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const { json } = await fetchJson(fetch, await locate(), MAX_BYTES, { method: 'POST', headers, body })
    const { valid, reason } = json
    const told = json['claims']
    // Of this token, and no other: what answers may be a cache that somebody put in between.
    if (valid === true && isJsonObject(told) && told['jti'] === claims.jti && told['sub'] === claims.sub)
      return undefined
    if (valid === false && isVerdict(reason)) return reason
    throw new TypeError('the issuer has not answered the question')
  }
}
