import type { UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { KnownConsent } from '../../../people/index.ts'
import type { UserTokenTerms } from './decide-user-token.ts'

/** What issuing adds to the terms of a token for a user. Times are in Unix seconds. */
interface IssuedWith {
  readonly jti: string
  readonly nowS: number
  readonly exp: number
  readonly epoch: readonly [user: number, operator: number]
  /** Id of the connection, which is its edge. */
  readonly connection: string
  /** Thumbprint of the key to which the token is bound; undefined for a bearer token. */
  readonly jkt: string | undefined
}

/**
 * Builds the claims of a token with which a client acts for a user. It ends with the user, its operator, and each of
 * the edges: the access to the audience, the identity provider, the client, the consent and the connection.
 */
export function buildUserTokenClaims(
  iss: string,
  { operatorId, subject, clientId, audience }: KnownConsent,
  { scopes, edges, provider }: UserTokenTerms,
  { jti, nowS, exp, epoch, connection, jkt }: IssuedWith,
): UserClaims {
  return {
    iss,
    sub: subject,
    aud: [audience],
    scope: scopes.join(' '),
    operator_id: operatorId,
    iat: nowS,
    nbf: nowS,
    exp,
    jti,
    client_id: clientId,
    epoch,
    ...(jkt !== undefined && { cnf: { jkt } }),
    edges: [...edges, connection],
    provider,
    user: { operatorId, epoch },
    lineage: [],
    details: new Map(),
  }
}
