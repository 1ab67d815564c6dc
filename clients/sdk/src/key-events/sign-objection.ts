import type { AssertionSigner } from '@auth4agent/core/identity/assertion'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { KEY_OBJECTION_TYPE } from '@auth4agent/core/key-events/jws-types'

/**
 * Signs an objection with the agent's identity key. It ends the recovery whose event has the digest `event`. Runs on
 * every platform.
 *
 * @example
 * ```ts
 * import { signObjection } from './sign-objection.ts'
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
