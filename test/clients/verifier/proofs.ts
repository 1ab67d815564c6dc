import { createHash } from 'node:crypto'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { newToken } from '../../support/offline-verifier.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'

/** The request that a proof is for. */
interface ProofRequest {
  readonly method?: string
  readonly url: string
  /** The token that the request contains. */
  readonly token: string
}

/** A client with a key of its own, made with node:crypto only. */
interface ProofClient {
  readonly key: TestTokenKey
  /** Creates a proof for a request, with changed claims and header members. */
  prove(request: ProofRequest, claims?: object, header?: object): string
}

/** A client that has tokens which are bound to its key. */
export interface BoundClient extends ProofClient {
  newToken(claims?: Partial<AccessTokenClaims>): string
}

/** Creates a client with a new key. */
export function proofClient(alg: 'EdDSA' | 'Ed25519' | 'ES256' = 'EdDSA'): ProofClient {
  const key = testTokenKey(alg)
  return {
    key,
    prove({ method = 'GET', url, token }, claims = {}, header = {}) {
      const ath = createHash('sha256').update(token).digest('base64url')
      const times = { jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1_000) }
      const good = { typ: 'dpop+jwt', alg, jwk: key.jwk }
      return key.sign({ ...good, ...header }, { htm: method, htu: url, ath, ...times, ...claims })
    },
  }
}

/** Creates a client with a new key. `signingKey` is the key of the issuer, which signs the tokens. */
export function boundClient(signingKey: TestTokenKey, alg?: 'EdDSA' | 'Ed25519' | 'ES256'): BoundClient {
  const client = proofClient(alg)
  return { ...client, newToken: (claims = {}) => newToken(signingKey, { cnf: { jkt: client.key.kid }, ...claims }) }
}

/** Returns what came with a token: by default, a good proof for `GET https://b.example/orders`. */
export function presented(client: BoundClient, token: string, claims: object = {}, header: object = {}) {
  const url = 'https://b.example/orders'
  return { proof: client.prove({ url, token }, claims, header), method: 'GET', url }
}
