import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { importP256, verifyP256AnyS } from '@auth4agent/core/keys/ecdsa-p256'
import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'

/** A foreign issuer as its rows describe it. */
export interface KnownIssuer {
  readonly id: string
  /** The issuer, byte for byte. */
  readonly issuer: string
  readonly kind: 'auth4agent' | 'oauth'
  readonly isEnabled: boolean
  readonly algorithms: readonly string[]
  readonly tokenType: string
  readonly mode: 'log' | 'introspection' | 'status_list' | 'none'
  readonly introspectionUri: string
  /** What the addresses of its status lists begin with; empty for the place that its kind implies. */
  readonly statusListUri: string
  readonly actsAs: string
  readonly maxTokenTtlS: number
  readonly maxStalenessMs: number
  readonly generation: number
  /** Tokens issued before this time are refused, in Unix seconds. 0 if the issuer was never disabled. */
  readonly acceptedFromS: number
  /** When the fetch of the keys began, in Unix milliseconds; undefined before the first one. */
  readonly keysAsOf: number | undefined
  /**
   * Until when the trust chain holds that attests the issuer, in Unix milliseconds; 0 without one. Undefined for an
   * issuer that the administrator vouches for.
   */
  readonly validUntil: number | undefined
  /** When a new trust chain is looked for, in Unix milliseconds; 0 and undefined as above. */
  readonly chainDueAt: number | undefined
  /** The keys that verify: those of the newest set that are not withdrawn, by `kid`. */
  readonly keys: ReadonlyMap<string, VerificationKey>
  /** The domains for which the issuer speaks. */
  readonly domains: ReadonlyMap<string, KnownDomain>
}

/** A domain for which an issuer speaks. */
export interface KnownDomain {
  readonly domain: string
  readonly edgeId: string
  readonly operatorId: string
  /** When DNS last showed it, in Unix milliseconds; undefined for the administrator's word. */
  readonly provenAt: number | undefined
}

/** A key of an issuer, as its row has it. */
export interface KeyRow {
  readonly kid: string
  readonly alg: string
  readonly jwk: unknown
  readonly thumbprint: string
}

/** Imports keys, and reuses those of `before`, so that what was verified under a key stays known. */
export function importKeys(
  rows: readonly KeyRow[],
  kind: KnownIssuer['kind'],
  before: ReadonlyMap<string, VerificationKey> | undefined,
): ReadonlyMap<string, VerificationKey> {
  const keys = new Map<string, VerificationKey>()
  for (const { kid, alg, jwk, thumbprint } of rows) {
    const known = before?.get(kid)
    const isSame = known !== undefined && known.alg === alg && known.kid === thumbprint
    const key = isSame ? known : importKey(kind, { alg, jwk, thumbprint })
    if (key !== undefined) keys.set(kid, key)
  }
  return keys
}

/** The `kid` of a foreign key may be any text, so the imported key is named by its thumbprint. */
function importKey(
  kind: KnownIssuer['kind'],
  { alg, jwk, thumbprint }: Omit<KeyRow, 'kid'>,
): VerificationKey | undefined {
  const verifier = importTokenVerifier(alg, jwk)
  if (verifier === undefined || !isTokenAlgorithm(alg)) return undefined
  const verify = kind === 'oauth' && alg === 'ES256' ? anyS(verifier.jwk) : verifier.verify
  return { kid: thumbprint, alg, state: 'active', ...verifier, verify }
}

/** Other OAuth servers also sign with the higher S, in every second token (RFC 7518 section 3.4 allows both). */
function anyS(jwk: PublicJwk): VerificationKey['verify'] {
  const key = importP256(jwk)
  return (signingInput, signature) => key !== undefined && verifyP256AnyS(key, signingInput, signature)
}
