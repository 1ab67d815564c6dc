import { type AssertionSigner, assertionTimes } from '@auth4agent/core/identity/assertion'
import {
  KEY_INVITATION_TYPE,
  MAX_INVITATION_LIFETIME_S,
  parseKeyInvitation,
} from '@auth4agent/core/identity/key-invitation'
import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { newJti, signJwt } from '@auth4agent/core/identity/sign-jwt'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { Invitation } from './operator-keys.ts'

/** Content of an invitation. */
interface InvitationContent {
  readonly operatorId: string
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /** The signer's clock, in Unix seconds. */
  readonly nowS: number
  readonly label: string
  readonly roles: readonly OperatorRole[]
  readonly person?: string | undefined
}

/**
 * Signs an invitation with a root key. It lasts an hour, less half a minute for clocks that differ.
 *
 * @throws TypeError if the server would refuse the terms. The message says what would be right.
 */
export async function signKeyInvitation(signer: AssertionSigner, content: InvitationContent): Promise<Invitation> {
  const { operatorId, issuer, nowS, label, roles, person } = content
  const { iat } = assertionTimes(nowS)
  const jti = newJti()
  const party = { iss: operatorId, sub: operatorId, aud: issuer, iat, exp: iat + MAX_INVITATION_LIFETIME_S, jti }
  const header = { typ: KEY_INVITATION_TYPE, kid: thumbprint(signer.publicKey) }
  const invitation = await signJwt(signer, header, { ...party, label, roles, person })
  const parsed = parseKeyInvitation(invitation)
  if (!parsed.ok) throw new TypeError(`The invitation is not valid: ${parsed.why}`)
  return { invitation, jti, link: `${issuer}/people/passkey#${invitation}` }
}
