import { readProofKey } from '../dpop/proof-key.ts'
import type { OperatorJwk, PasskeyBinding } from '../identity/operator-manifest.ts'
import type { ParsedJws } from '../jose/jws.ts'
import { checkPasskey, passkeyDemand } from './check-passkey.ts'
import { PASSKEY_ALGORITHM } from './passkey-proof.ts'
import { relyingParty } from './relying-party.ts'

/** A passkey of an operator. */
export interface Passkey {
  readonly jwk: OperatorJwk
  readonly webauthn: PasskeyBinding
}

/**
 * Verifies that a passkey has signed a JWS for a server, on a page of this server, by a person whom the authenticator
 * has recognised. It does not check the claims, and not whether the signature is fresh.
 *
 * @param issuer the issuer of the server
 * @returns undefined if the proof is right, otherwise a sentence that says what would be right
 * @example
 * ```ts
 * import { verifyPasskey } from '@auth4agent/core/webauthn/verify-passkey'
 *
 * const problem = verifyPasskey(jws, { jwk, webauthn }, 'https://auth.example')
 * if (problem !== undefined) throw new TypeError(problem)
 * ```
 */
export function verifyPasskey(jws: ParsedJws, { jwk, webauthn }: Passkey, issuer: string): string | undefined {
  if (jws.header.alg !== PASSKEY_ALGORITHM) return `A passkey signs only with the alg ${PASSKEY_ALGORITHM}`
  const party = relyingParty(issuer)
  // The manifest was for this issuer when it was read, and the issuer's host may be another one now.
  if (party === undefined || party.id !== webauthn.rpId) return `The passkey is bound to the host ${webauthn.rpId}`
  const checked = checkPasskey(jws, { party, kty: jwk.kty })
  if (!checked.ok) return passkeyDemand(checked.why, party)
  const key = readProofKey(jwk.kty === 'EC' ? 'ES256' : 'EdDSA', { ...jwk })
  return key?.verify(checked.message, checked.signature) === true ? undefined : 'The signature does not match the key'
}
