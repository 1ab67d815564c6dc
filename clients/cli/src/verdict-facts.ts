import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { parseDid } from '@auth4agent/core/identity/did'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'

/** What a verifier wanted of a token, and what the token has. */
export interface VerdictFacts {
  readonly wanted: string
  readonly has: string
  /** What to do; undefined if the two values say it. */
  readonly advice?: string
}

/** Arguments of {@link verdictFacts}. */
interface Judged {
  readonly token: string
  /** The issuer of the server that was asked for its keys. */
  readonly issuer: string
  /** Undefined if the token is not genuine. */
  readonly claims: AccessTokenClaims | undefined
  readonly wanted: Requirements
}

/** Verdicts for which the issuer is in doubt. */
const ABOUT_ISSUER: ReadonlySet<string> = new Set(['WRONG_ISSUER', 'UNKNOWN_KEY', 'ISSUER_NOT_TRUSTED'])

/** Returns what was wanted and what the token has, or undefined for a verdict that no comparison explains. */
export function verdictFacts(verdict: string, { token, issuer, claims, wanted }: Judged): VerdictFacts | undefined {
  if (ABOUT_ISSUER.has(verdict)) return issuerFacts(token, issuer)
  if (claims === undefined) return undefined
  const { audience, scope, operators } = wanted
  if (verdict === 'AUDIENCE_MISMATCH') return { wanted: `audience ${audience.join(' or ')}`, has: claims.aud.join(' ') }
  if (verdict === 'SCOPE_MISSING') return { wanted: `scope ${scope.join(' ')}`, has: claims.scope || 'no scope' }
  if (verdict !== 'OPERATOR_NOT_TRUSTED') return undefined
  const domain = parseDid(claims.sub)?.domain
  return { wanted: `operator ${operators.join(' or ')}`, has: [domain, claims.operator_id].filter(Boolean).join(' ') }
}

/** Compares the issuers. Nothing has verified what such a token says, so the text says that too. */
function issuerFacts(token: string, issuer: string): VerdictFacts | undefined {
  const said = claimedIssuer(token)
  if (said === undefined) return undefined
  if (said === issuer) {
    const advice = 'The issuer has ended the key, or another server with the same issuer signed the token.'
    return { wanted: `issuer ${issuer}`, has: `${said}, by its own account`, advice }
  }
  const advice = `Ask the server of that issuer (--server URL), or let this server verify it: --foreign-issuer ${said} --aud AUDIENCE`
  return { wanted: `issuer ${issuer}`, has: `${said}, by its own account`, advice }
}

/** Returns the issuer that a JWT names, without verifying the JWT. */
function claimedIssuer(token: string): string | undefined {
  const bytes = decodeBase64url(token.split('.')[1] ?? '')
  try {
    const claims: unknown = JSON.parse(Buffer.from(bytes ?? []).toString())
    return isJsonObject(claims) && typeof claims.iss === 'string' ? claims.iss : undefined
  } catch {
    return undefined
  }
}
