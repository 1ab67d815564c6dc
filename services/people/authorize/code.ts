import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { openText, type SealDeps, sealText } from '../../keys/index.ts'

/** What an authorization code stands for (RFC 6749 section 4.1.2). It names a consent, and grants nothing alone. */
export interface AuthorizationCode {
  /** Id of the code, and of the connection that it makes: a UUID. */
  readonly id: string
  readonly consentId: string
  readonly scopes: readonly string[]
  /** SHA-256 of the redirect URI in base64url. */
  readonly redirectUri: string
  /** PKCE (RFC 7636 section 4.2), always S256. */
  readonly codeChallenge: string
  /** Thumbprint of the key to which the code is bound (RFC 9449 section 10); empty for none. */
  readonly jkt: string
  /** Edge of the client. One that is blocked, and allowed again within a minute, has another one. */
  readonly clientEdge: string
  /** When the identity provider vouched for the user, in Unix seconds. */
  readonly vouchedAtS: number
  /** Unix seconds. */
  readonly exp: number
}

/** How long a code may be redeemed, in seconds. */
export const CODE_LIFETIME_S = 60
const PARTS = 9

/** Seals an authorization code, so that the server stores nothing before a client redeems it. */
export function sealCode(deps: SealDeps, code: AuthorizationCode): Promise<string> {
  const { id, consentId, scopes, redirectUri, codeChallenge, jkt, clientEdge, vouchedAtS, exp } = code
  // A scope may have characters that a sealed text may not have.
  const scope = encodeBase64url(Buffer.from(scopes.join(' ')))
  const rest = [clientEdge, vouchedAtS, exp, scope]
  return sealText(deps, 'code', [id, consentId, redirectUri, codeChallenge, jkt, ...rest].join('.'))
}

/** An authorization code that was presented. */
export interface OpenedCode extends AuthorizationCode {
  /** Id of the challenge key that sealed it. */
  readonly keyId: string
}

/** Opens an authorization code. Returns undefined for a text that this deployment did not seal as one. */
export async function openCode(deps: SealDeps, sealed: string): Promise<OpenedCode | undefined> {
  const parts = (await openText(deps, 'code', sealed))?.split('.') ?? []
  const [id = '', consentId = '', redirectUri = '', codeChallenge = '', jkt = '', ...rest] = parts
  const [clientEdge = '', vouchedAt = '', exp = '', scope = ''] = rest
  if (parts.length !== PARTS) return undefined
  const scopes = Buffer.from(decodeBase64url(scope) ?? []).toString()
  const [keyId = ''] = sealed.split('.', 1)
  const numbers = { vouchedAtS: Number(vouchedAt), exp: Number(exp) }
  return { id, consentId, scopes: scopes.split(' '), redirectUri, codeChallenge, jkt, clientEdge, ...numbers, keyId }
}
