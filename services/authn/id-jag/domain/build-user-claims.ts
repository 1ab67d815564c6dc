import type { UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { TokenAttestation } from '@auth4agent/core/token/attestation'
import type { JudgedIdJag } from '../../../trust/index.ts'
import { attestationClaim } from '../../domain/attestation-claim.ts'
import type { Subject } from '../../domain/subject.ts'
import type { UserTerms } from './decide-user-terms.ts'

/** What the redemption adds to the terms of a token for a user. Times are in Unix seconds. */
interface Issued {
  readonly jti: string
  readonly nowS: number
  readonly exp: number
  readonly epoch: readonly [agent: number, operator: number]
  /** Ids of the edges with which the token ends, besides the rule about the user. */
  readonly edges: readonly string[]
  /** Thumbprint of the agent's key. */
  readonly jkt: string
  /** Results of attestation of the agent. */
  readonly results: readonly TokenAttestation[]
}

/**
 * Builds the claims of a token with which an agent acts for a user (RFC 8693 section 4.1). It ends with the agent, its
 * operator, the rule about the user, the identity provider, each caller's entry that allowed an audience, and what
 * attestation demands.
 */
export function buildUserClaims(
  iss: string,
  { agent, operator }: Subject,
  { grant, generation, rule }: Pick<JudgedIdJag, 'grant' | 'generation' | 'rule'>,
  { scope, audience }: UserTerms,
  { jti, nowS, exp, epoch, edges, jkt, results }: Issued,
): UserClaims {
  return {
    iss,
    sub: rule.subject,
    aud: audience.map(({ text }) => text),
    scope: scope.join(' '),
    operator_id: operator.id,
    iat: nowS,
    nbf: nowS,
    exp,
    jti,
    client_id: agent.did,
    epoch,
    cnf: { jkt },
    edges: [rule.edgeId, ...edges],
    ...attestationClaim(results, nowS),
    provider: { issuer: grant.iss, generation },
    lineage: [],
    details: new Map(),
  }
}
