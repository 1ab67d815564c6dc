import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { checkSigned, readAccessToken, type VerificationKey } from '@auth4agent/core/token/access-token'
import { type AccessTokenClaims, hasActor, MAX_TOKEN_BYTES } from '@auth4agent/core/token/claims'
import { createTokenCache } from '@auth4agent/core/token/token-cache'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { hasKeys } from '../decide/issuer-keys.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import { type ForeignClaims, parseOAuthClaims } from './oauth-claims.ts'

/**
 * A token of a foreign issuer with a valid signature. It may be expired, revoked, or of no operator that is trusted.
 */
export interface GenuineForeign {
  readonly claims: ForeignClaims
  /** The claims of a token of another Auth4Agent deployment; undefined for the kind `oauth`. */
  readonly agent: AccessTokenClaims | undefined
  /** `kid` of the header. */
  readonly kid: string
  readonly key: VerificationKey
}

type Read = { readonly genuine: GenuineForeign } | { readonly verdict: Verdict }

/** Decides whether a text is a genuine token of one issuer, and remembers those that are. */
export function createGenuineForeign(now: () => number) {
  const known = createTokenCache<GenuineForeign>()

  return (text: string, issuer: KnownIssuer): Read => {
    if (!hasKeys(issuer, now())) return { verdict: 'ISSUER_KEYS_UNAVAILABLE' }
    const before = known.get(text)
    // The key is looked up under this issuer only, so a token is never accepted under the key of another one.
    if (before !== undefined && before.claims.iss === issuer.issuer && issuer.keys.get(before.kid) === before.key) {
      return { genuine: before }
    }
    const read = issuer.kind === 'auth4agent' ? readAgentToken(text, issuer) : readOAuthToken(text, issuer)
    if ('genuine' in read) known.set(text, read.genuine)
    return read
  }
}

function readAgentToken(text: string, issuer: KnownIssuer): Read {
  const read = readAccessToken(text)
  if ('verdict' in read) return read
  const { kid, alg } = read.jws.header
  if (!issuer.algorithms.includes(alg)) return { verdict: 'UNSUPPORTED_ALGORITHM' }
  const key = issuer.keys.get(kid)
  if (key === undefined) return { verdict: 'UNKNOWN_KEY' }
  const signed = checkSigned(read, issuer.issuer, key)
  if ('verdict' in signed) return signed
  return { genuine: { claims: signed.claims, agent: signed.claims, kid, key } }
}

function readOAuthToken(text: string, issuer: KnownIssuer): Read {
  const jws = parseCompactJws(text, {
    maxBytes: MAX_TOKEN_BYTES,
    algs: issuer.algorithms,
    typs: [issuer.tokenType],
  })
  if (!jws.ok) return { verdict: jws.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : 'MALFORMED_TOKEN' }
  if (hasActor(jws.payload)) return { verdict: 'DELEGATION_NOT_ACCEPTED' }
  const [domain] = issuer.domains.values()
  if (domain === undefined) return { verdict: 'SUBJECT_OUTSIDE_NAMESPACE' }
  const claims = parseOAuthClaims(jws.payload, domain.operatorId)
  if (claims === undefined) return { verdict: 'MALFORMED_TOKEN' }
  const { kid } = jws.header
  const key = issuer.keys.get(kid)
  if (key === undefined) return { verdict: 'UNKNOWN_KEY' }
  const signed = checkSigned({ jws, claims }, issuer.issuer, key)
  if ('verdict' in signed) return signed
  return { genuine: { claims: signed.claims, agent: undefined, kid, key } }
}
