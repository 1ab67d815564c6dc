import type { UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { KnownConsent } from '../../../people/index.ts'
import { attestationClaim } from '../../domain/attestation-claim.ts'
import { type Attested, UNATTESTED } from '../../domain/check-attestation.ts'
import type { UserTokenTerms } from './decide-user-token.ts'

/** What issuing adds to the terms of a token for a user. Times are in Unix seconds. */
interface IssuedWith {
  readonly jti: string
  readonly nowS: number
  readonly exp: number
  readonly epoch: readonly [user: number, operator: number]
  /** Undefined for a client that is no agent. */
  readonly agentEpoch: readonly [agent: number, operator: number] | undefined
  /** Id of the connection, which is its edge. */
  readonly connection: string
  /** Thumbprint of the key to which the token is bound; undefined for a bearer token. */
  readonly jkt: string | undefined
}

/** What the authority of the agent that acts adds to the terms. */
export interface Acting {
  readonly attested: Pick<Attested, 'ttl' | 'notAfterS' | 'edges' | 'results'>
  /** Undefined for a client that is no agent. */
  readonly agentOperatorId: string | undefined
}

/** Of a client that is no agent. */
export const NO_AGENT: Acting = { attested: UNATTESTED, agentOperatorId: undefined }

/**
 * Builds the claims of a token with which a client acts for a user. It ends with the user, its operator, and each of
 * the edges: the access to the audience, the identity provider, the client, the consent and the connection. With an
 * agent, operator and epochs are those of the agent, and the token ends with the agent and its operator too.
 */
export function buildUserTokenClaims(
  iss: string,
  { operatorId, subject, clientId, audience }: KnownConsent,
  { scopes, edges, provider, attested, agentOperatorId }: UserTokenTerms & Acting,
  { jti, nowS, exp, epoch, agentEpoch, connection, jkt }: IssuedWith,
): UserClaims {
  if ((agentOperatorId === undefined) !== (agentEpoch === undefined)) throw new Error('The agent has no epochs')
  return {
    iss,
    sub: subject,
    aud: [audience],
    scope: scopes.join(' '),
    operator_id: agentOperatorId ?? operatorId,
    iat: nowS,
    nbf: nowS,
    exp,
    jti,
    client_id: clientId,
    epoch: agentEpoch ?? epoch,
    ...(jkt !== undefined && { cnf: { jkt } }),
    edges: [...new Set([...edges, connection, ...attested.edges])],
    ...attestationClaim(attested.results, nowS),
    provider,
    user: { operatorId, epoch },
    lineage: [],
    details: new Map(),
  }
}
