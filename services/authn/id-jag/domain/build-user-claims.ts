import type { UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { JudgedIdJag } from '../../../trust/index.ts'
import type { Subject } from '../../domain/decide-issue.ts'
import type { UserTerms } from './decide-user-terms.ts'

/** What the redemption adds to the terms of a token for a user. Times are in Unix seconds. */
interface Issued {
  readonly jti: string
  readonly nowS: number
  readonly exp: number
  readonly epoch: readonly [agent: number, operator: number]
  /** Thumbprint of the agent's key. */
  readonly jkt: string
}

/**
 * Builds the claims of a token with which an agent acts for a user (RFC 8693 section 4.1). It ends with the agent, its
 * operator, the rule about the user, and the identity provider.
 */
export function buildUserClaims(
  iss: string,
  { agent, operator }: Subject,
  { grant, generation, rule }: Pick<JudgedIdJag, 'grant' | 'generation' | 'rule'>,
  { scope, audience }: UserTerms,
  { jti, nowS, exp, epoch, jkt }: Issued,
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
    edges: [rule.edgeId],
    provider: { issuer: grant.iss, generation },
    lineage: [],
    details: new Map(),
  }
}
