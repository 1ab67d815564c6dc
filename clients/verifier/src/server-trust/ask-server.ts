import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { toProofMembers } from '../bound-tokens.ts'
import { isVerdict, type VerificationReason } from '../errors.ts'
import { type Fetch, fetchJson } from '../http.ts'
import type { Demands } from '../wanted.ts'

/** What the own deployment says about a token of another one. */
type ServerAnswer = { readonly reason: VerificationReason } | { readonly scopes: readonly string[] }

/** Asks the own deployment about a token of another issuer. Rejects if it does not answer about this token. */
export type AskServer = (token: string, claims: AccessTokenClaims, wanted: Demands) => Promise<ServerAnswer>

const MAX_BYTES = 65_536

/** Makes a function that asks `POST /v1/verify` each time. It keeps no answer. */
export function createAskServer(fetch: Fetch, locate: () => Promise<string>): AskServer {
  return async (token, claims, { audience, dpop }) => {
    const proof = typeof dpop === 'object' ? toProofMembers(dpop) : {}
    const body = JSON.stringify({ token, issuers: [claims.iss], audience, ...proof })
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const { json } = await fetchJson(fetch, await locate(), MAX_BYTES, { method: 'POST', headers, body })
    const { valid, reason, claims: about, trust } = json
    if (valid === false && isVerdict(reason)) return { reason }
    if (valid === true && isJsonObject(about) && isJsonObject(trust)) {
      const { effective_scope: scope, issuer, audience: at } = trust
      const scopes = typeof scope === 'string' ? parseScopeString(scope) : undefined
      const isAbout = about['jti'] === claims.jti && about['sub'] === claims.sub && about['iss'] === claims.iss
      const isHere = typeof at === 'string' && audience.includes(at) && claims.aud.includes(at)
      if (isAbout && isHere && issuer === claims.iss && scopes !== undefined) return { scopes }
    }
    throw new TypeError('The answer of the server must be a verdict about this token')
  }
}
