import type { AssertionSigner } from '../identity/assertion.ts'
import { signJwt } from '../identity/sign-jwt.ts'
import { signerKid } from '../jose/signer-jwk.ts'
import { KEY_OBJECTION_TYPE } from './jws-types.ts'

/**
 * Signs an objection with the agent's identity key. It ends the recovery whose event has the digest `event`. Runs on
 * every platform.
 *
 * @example
 * ```ts
 * import { signObjection } from '@auth4agent/core/key-events/sign-objection'
 *
 * const objection = await signObjection(signer, { did, event: pending.digest, nowS: Date.now() / 1_000 })
 * ```
 */
export function signObjection(
  signer: AssertionSigner,
  { did, event, nowS }: { readonly did: string; readonly event: string; readonly nowS: number },
): Promise<string> {
  return signJwt(signer, { typ: KEY_OBJECTION_TYPE, kid: signerKid(signer) }, { did, event, iat: Math.floor(nowS) })
}
