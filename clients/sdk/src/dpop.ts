import { generateKey, generateWebCryptoKey, type KeyLike, toSigner } from './keys/signers.ts'
import { Nonces } from './nonces.ts'
import type { AgentSigner } from './signer.ts'

/** The header in which a server gives a nonce. */
export const NONCE_HEADER = 'dpop-nonce'

/** The request that a proof is for. */
interface ProvenRequest {
  readonly method: string
  /** The URL of the request. The proof contains it without query and fragment. */
  readonly url: string
  /** The token that the request carries. A request for a token carries none. */
  readonly accessToken?: string | undefined
  readonly nonce?: string | undefined
}

/** The key that an agent's tokens are bound to, and the nonces for its proofs (RFC 9449). */
export interface Dpop {
  readonly nonces: Nonces
  /** Resolves with the RFC 7638 thumbprint of the key. */
  thumbprint(): Promise<string>
  /** Makes a proof for one request. */
  prove(request: ProvenRequest): Promise<string>
}

/** The headers that carry a token in one request. */
export interface AuthorizationHeaders {
  /** `Bearer` or `DPoP`, and the token. */
  readonly authorization: string
  /** The DPoP proof, if the token is bound to a key. It is valid for one request. */
  readonly dpop?: string
}

/**
 * Prepares to bind tokens to a key: to the given key, or with `true` to a new one. Loads the code for proofs on
 * demand, because most pages do not need it. `nowMs` returns the time in Unix milliseconds.
 */
export function createDpop(key: true | KeyLike, nowMs: () => number): Dpop {
  let signer: Promise<AgentSigner> | undefined
  return dpopOf(() => (signer ??= key === true ? newKey() : toSigner(key)), nowMs)
}

/** Does the same as {@link createDpop} with a key that may change, such as the identity key of an agent. */
export function dpopOf(load: () => Promise<AgentSigner>, nowMs: () => number, nonces = new Nonces()): Dpop {
  return {
    nonces,
    async thumbprint() {
      const { signerKid } = await import('@auth4agent/core/jose/signer-jwk')
      return signerKid(await load())
    },
    async prove(request) {
      const { signDpopProof } = await import('@auth4agent/core/dpop/sign-dpop-proof')
      return signDpopProof(await load(), { ...request, nowS: nowMs() / 1000 })
    },
  }
}

/** Generates a key that no script can export, or another one if the platform's WebCrypto has no Ed25519. */
async function newKey(): Promise<AgentSigner> {
  const pair = await generateWebCryptoKey().catch(() => undefined)
  return pair === undefined ? generateKey() : toSigner(pair)
}

/** Makes the headers that carry a token in a request. A nonce that is left out is the newest one of the origin. */
export async function authorizationHeaders(
  token: string,
  dpop: Dpop | undefined,
  { method, url, nonce = dpop?.nonces.of(new URL(url).origin) }: Omit<ProvenRequest, 'accessToken'>,
): Promise<AuthorizationHeaders> {
  if (dpop === undefined) return { authorization: `Bearer ${token}` }
  return { authorization: `DPoP ${token}`, dpop: await dpop.prove({ method, url, accessToken: token, nonce }) }
}
