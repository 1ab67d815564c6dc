import { assertionTimes } from '@auth4agent/core/identity/assertion'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { type JwsSigner, signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { parseTrustStatement } from '@auth4agent/core/trust/parse-statement'
import { draftClaims } from '@auth4agent/core/trust/read-draft'
import { DEFAULT_STATEMENT_LIFETIME_S, TRUST_STATEMENT_TYPE, type TrustDraft } from '@auth4agent/core/trust/statement'

/**
 * Content of a statement to sign.
 *
 * @example
 * ```ts
 * import type { StatementContent } from './sign-statement.ts'
 *
 * const content: StatementContent = { ...draft, version: 1, nowS: Date.now() / 1_000 }
 * ```
 */
export interface StatementContent extends TrustDraft {
  /** Must be higher than in all statements before it with the same signer, kind and subject. */
  readonly version: number
  /** The signer's clock, in Unix seconds. */
  readonly nowS: number
  /** By default a new random UUID. */
  readonly jti?: string | undefined
  /** When it begins to count, in Unix seconds; by default at once. */
  readonly nbf?: number | undefined
  /** When it expires, in Unix seconds; by default after 90 days, and at most after 366 days. */
  readonly exp?: number | undefined
}

/**
 * Signs a trust statement with a root key of the operator. Runs on every platform that has WebCrypto.
 *
 * @throws TypeError if a deployment would refuse the statement. The message says what would be right.
 * @throws RangeError if the signer's key is not an Ed25519 key of 32 bytes, or if the signature does not have 64
 *   bytes.
 * @example
 * ```ts
 * import { signTrustStatement } from './sign-statement.ts'
 *
 * const statement = await signTrustStatement(rootSigner, {
 *   iss: operatorId,
 *   home: 'https://beta.example/auth',
 *   domain: 'cargo.example',
 *   sub: callerId,
 *   subHome: 'https://alpha.example',
 *   subDomain: 'acme.example',
 *   aud: ['https://beta.example/auth'],
 *   kind: 'lets-call',
 *   grants: [{ audience: 'https://api.cargo.example', scopes: { 'orders:read': ['read'] } }],
 *   visibility: 'parties',
 *   version: 1,
 *   nowS: Date.now() / 1_000,
 * })
 * ```
 */
export async function signTrustStatement(signer: JwsSigner, content: StatementContent): Promise<string> {
  if (signer.alg === 'ES256') throw new RangeError('A trust statement must be signed with an Ed25519 root key')
  const { version, nowS, jti = crypto.randomUUID(), nbf, exp } = content
  const { iat } = assertionTimes(nowS)
  const claims = {
    ...draftClaims(content),
    jti,
    version,
    iat,
    nbf: nbf ?? iat,
    exp: exp ?? iat + DEFAULT_STATEMENT_LIFETIME_S,
  }
  const header = { typ: TRUST_STATEMENT_TYPE, kid: signerKid(signer), jwk: signerJwk(signer) }
  const text = await signJwt(signer, header, claims)
  const parsed = parseTrustStatement(text)
  if (!parsed.ok) throw new TypeError(parsed.text)
  return text
}
