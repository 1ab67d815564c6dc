import { signJwt } from '../identity/sign-jwt.ts'
import { type JwsSigner, signerKid } from '../jose/signer-jwk.ts'
import { AGENT_RELEASE_TYPE } from './jws-types.ts'

/** What a release says: the operator lets the agent go, by this move and no other. */
export interface ReleaseContent {
  /** The operator that lets the agent go. */
  readonly operatorId: string
  /** The DID that the agent leaves. */
  readonly did: string
  /** SHA-256 of the event `move`, base64url. */
  readonly event: string
  /** The new DID. */
  readonly to: string
}

/**
 * Signs the statement with which an operator releases an agent. The key must be a root key of the operator, or an
 * operational key with the role `agents.manage`.
 *
 * @throws RangeError if the public key or the signature does not have the length of its algorithm.
 * @example
 * ```ts
 * import { signAgentRelease } from '@auth4agent/core/key-events/sign-release'
 *
 * const move = pending.find(({ type }) => type === 'move')
 * const nowS = Date.now() / 1_000
 * const statement = await signAgentRelease(signer, { operatorId, did, event: move.digest, to, nowS })
 * ```
 */
export function signAgentRelease(
  signer: JwsSigner,
  { operatorId, did, event, to, nowS }: ReleaseContent & { readonly nowS: number },
): Promise<string> {
  const claims = { iss: operatorId, sub: did, event, to, iat: Math.floor(nowS) }
  return signJwt(signer, { typ: AGENT_RELEASE_TYPE, kid: signerKid(signer) }, claims)
}
