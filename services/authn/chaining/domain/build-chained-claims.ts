import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { JudgedGrant } from '../../../trust/index.ts'

/** Longest lifetime of a token for a grant of another deployment, in seconds. */
const CHAINED_TTL_S = 900

/** The epoch of an agent that this deployment does not have. */
const NO_AGENT_EPOCH = 1

/**
 * Builds the claims of a token for a grant of another deployment. The token ends with everything that it rests on, so
 * it also expires no later.
 *
 * @param issued `epoch` is the epoch of this deployment; `nowS` is in Unix seconds
 */
export function buildChainedClaims(
  iss: string,
  { grant, kid, generation, maxTokenTtlS, trusted }: JudgedGrant,
  issued: { readonly jti: string; readonly nowS: number; readonly epoch: number },
): AccessTokenClaims {
  const { sub, client_id, operator_id, cnf, token } = grant
  const { jti, nowS, epoch } = issued
  const ttl = Math.min(CHAINED_TTL_S, maxTokenTtlS)
  const kids = kid === token.kid ? [kid] : [token.kid, kid]
  return {
    iss,
    sub,
    aud: [trusted.audience],
    scope: trusted.scopes.join(' '),
    operator_id,
    iat: nowS,
    nbf: nowS,
    exp: Math.min(nowS + ttl, Math.floor(trusted.exp), token.exp),
    jti,
    client_id,
    epoch: [NO_AGENT_EPOCH, epoch],
    cnf,
    edges: trusted.edges,
    home: { iss: grant.iss, jti: token.jti, kids, generation, epoch: grant.epoch, edge: grant.edge },
  }
}
