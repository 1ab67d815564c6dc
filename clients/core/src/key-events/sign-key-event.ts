import { encodeBase64url } from '../encoding/base64.ts'
import type { AssertionSigner } from '../identity/assertion.ts'
import { signJws, signJwt } from '../identity/sign-jwt.ts'
import { type Ed25519Jwk, jwkThumbprint, type PublicJwk } from '../jose/public-jwk.ts'
import { KEY_EVENT_TYPE, KEY_PROOF_TYPE } from './jws-types.ts'
import type { KeyState } from './key-state.ts'

/** A new key that proves itself: its public half, and a function that signs with it. */
export interface KeySigner {
  readonly alg: 'EdDSA' | 'ES256'
  readonly jwk: PublicJwk
  /** Signs a message; resolves with 64 bytes: Ed25519, or R || S of ES256 (RFC 7518 section 3.4). */
  sign(message: Uint8Array): Promise<Uint8Array>
}

interface Committed {
  /** The key to which the agent committed. Only an agent without a commitment can leave it out. */
  readonly key?: KeySigner | undefined
}

/** What an event changes. `next` and `kid` are RFC 7638 thumbprints; `exp` is in Unix seconds. */
export type KeyChange =
  | { readonly type: 'rotate'; readonly key: KeySigner; readonly next?: string | undefined }
  | { readonly type: 'recover'; readonly next?: string | undefined }
  | { readonly type: 'add-key'; readonly key: KeySigner; readonly label: string; readonly exp: number }
  | { readonly type: 'remove-key'; readonly kid: string }
  | ({ readonly type: 'deactivate' } & Committed)
  | ({ readonly type: 'move'; readonly to: string; readonly operatorId: string; readonly issuer: string } & Committed)

/** The end of a log, after which an event comes. */
export type LogEnd = Pick<KeyState, 'did' | 'seq' | 'head' | 'iat'>

/**
 * Signs the first event of a log. With `next`, the agent commits to the key that comes next.
 *
 * @example
 * ```ts
 * import { signInception } from '@auth4agent/core/key-events/sign-key-event'
 *
 * const inception = await signInception(signer, { did, nowS: Date.now() / 1_000, next: thumbprint(spare.publicKey) })
 * ```
 */
export function signInception(
  signer: AssertionSigner,
  { did, nowS, next }: { readonly did: string; readonly nowS: number; readonly next?: string | undefined },
): Promise<string> {
  const key = ed25519Jwk(signer.publicKey)
  return signEvent(signer, { type: 'inception', did, seq: 0, iat: Math.floor(nowS), key, next })
}

/**
 * Signs the next event of a log. The identity key signs, and the committed key for `recover`. `iat` is the signer's
 * time, but never before the last event, so that a clock that is slow does no harm.
 *
 * @example
 * ```ts
 * import { signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
 *
 * const event = await signKeyEvent(signer, state, { type: 'remove-key', kid }, Date.now() / 1_000)
 * ```
 */
export async function signKeyEvent(
  signer: AssertionSigner,
  end: LogEnd,
  change: KeyChange,
  nowS: number,
): Promise<string> {
  const place = { did: end.did, seq: end.seq + 1, prev: end.head, iat: Math.max(Math.floor(nowS), end.iat) }
  const claims = { ...place, ...claimsOf(signer, change) }
  const prover = 'key' in change ? change.key : undefined
  return signEvent(signer, prover === undefined ? claims : { ...claims, proof: await prove(prover, claims) })
}

/** Returns the claims of one type of event, without a proof. */
function claimsOf(signer: AssertionSigner, change: KeyChange): object {
  if (change.type === 'recover') return { ...change, key: ed25519Jwk(signer.publicKey) }
  const claims = 'key' in change ? { ...change, key: change.key?.jwk } : change
  if (claims.type !== 'move') return claims
  const { operatorId, ...rest } = claims
  return { ...rest, operator_id: operatorId }
}

/** Returns the signature of a new key over the claims of its event. */
function prove(key: KeySigner, claims: object): Promise<string> {
  return signJws(key, { alg: key.alg, typ: KEY_PROOF_TYPE, kid: jwkThumbprint(key.jwk) }, claims)
}

function signEvent(signer: AssertionSigner, claims: object): Promise<string> {
  const kid = jwkThumbprint(ed25519Jwk(signer.publicKey))
  return signJwt(signer, { typ: KEY_EVENT_TYPE, kid }, claims)
}

/**
 * Returns a raw Ed25519 public key as a JWK (RFC 8037 section 2).
 *
 * @example
 * ```ts
 * import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
 *
 * const { x } = ed25519Jwk(publicKey)
 * ```
 */
export function ed25519Jwk(publicKey: Uint8Array): Ed25519Jwk {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) }
}
