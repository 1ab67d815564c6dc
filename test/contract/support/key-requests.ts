import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ISSUER, type Signer } from '../../support/assertions.ts'
import { signCompactJws } from '../../support/jws.ts'
import { type ProofEdits, softPasskey } from '../../support/passkeys.ts'

/** The passkey of all requests, so that at most one waits for each operator. */
export const PASSKEY = softPasskey(ISSUER)

/** Claims that replace the good ones. A claim that is undefined is left out. */
type ClaimEdits = Readonly<Record<string, unknown>>

/** What differs from a good invitation and from the request that answers it. */
interface Edits {
  readonly invitation?: ClaimEdits
  readonly header?: object
  readonly request?: ClaimEdits
  readonly proof?: ProofEdits
  readonly signer?: Signer
}

/** Returns a new invitation by the root key of an operator, and the request of {@link PASSKEY} that answers it. */
export function answeredInvitation(operator: Signer, edits: Edits = {}): { invitation: string; request: string } {
  const { pair } = edits.signer ?? operator
  const iat = Math.floor(Date.now() / 1000)
  const party = { iss: operator.iss, sub: operator.iss, aud: ISSUER, iat }
  const terms = { label: 'laptop', roles: ['people'], person: 'Alice' }
  const jti = randomUUID()
  const header = {
    alg: 'EdDSA',
    typ: 'auth4agent-key-invitation+jwt',
    kid: thumbprint(pair.publicKey),
    ...edits.header,
  }
  const claims = { ...party, exp: iat + 3_600, jti, ...terms, ...edits.invitation }
  const { jwk, webauthn } = PASSKEY
  const binding = { rp_id: webauthn.rpId, credential_id: webauthn.credentialId }
  const wanted = { ...party, ...terms, root: false, jwk, webauthn: binding, nonce: jti, ...edits.request }
  return {
    invitation: signCompactJws(header, claims, pair.privateKey),
    request: PASSKEY.signJws('auth4agent-key-request+jwt', wanted, edits.proof),
  }
}
