import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { ProvenKey } from './agent-proof.ts'
import { attestationClaim } from './attestation-claim.ts'
import type { Attested } from './check-attestation.ts'
import type { Subject } from './subject.ts'
import type { TokenTerms } from './token-request.ts'

/** Builds the claims of a new access token (RFC 9068 section 2.2, RFC 9449 section 6.1). `nowS` is in Unix seconds. */
export function buildClaims(
  issuer: string,
  { agent, operator }: Subject,
  terms: TokenTerms,
  token: {
    readonly jti: string
    readonly nowS: number
    readonly epoch: readonly [agent: number, operator: number]
    /** The key with which the agent has proved itself. The token expires no later than this key. */
    readonly key: ProvenKey
    /** Ids of the edges with which the token ends. */
    readonly edges: readonly string[]
    /** Results of attestation, and their end, in Unix seconds. */
    readonly attested: Pick<Attested, 'results' | 'notAfterS'>
    /** Thumbprint of the key that the token is bound to; undefined for a bearer token. */
    readonly jkt?: string | undefined
  },
): AccessTokenClaims {
  return {
    iss: issuer,
    sub: agent.did,
    aud: terms.audience.map(({ text }) => text),
    scope: terms.scope.join(' '),
    operator_id: operator.id,
    iat: token.nowS,
    nbf: token.nowS,
    exp: Math.min(token.nowS + terms.ttl, token.key.exp, token.attested.notAfterS),
    jti: token.jti,
    client_id: agent.did,
    epoch: token.epoch,
    ...(token.jkt !== undefined && { cnf: { jkt: token.jkt } }),
    ...(token.key.addedKid !== '' && { agent_key: token.key.addedKid }),
    ...(token.edges.length > 0 && { edges: token.edges }),
    ...attestationClaim(token.attested.results, token.nowS),
    ...(terms.mayAct !== undefined && { may_act: { sub: terms.mayAct } }),
  }
}
