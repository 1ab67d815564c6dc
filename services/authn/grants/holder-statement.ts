import { MAX_GRANT_TTL_S } from '@auth4agent/core/delegation/grant-types'
import { holderStatementClaims } from '@auth4agent/core/delegation/issuer-claims'
import type { Db } from '../../platform/db/db.ts'
import type { AuthnDeps } from '../config.ts'
import { checkStatuses } from '../domain/agent-proof.ts'

/** A statement about the holder of a grant, the holder's raw identity key, and the expiry in Unix seconds. */
export interface IssuedStatement {
  readonly statement: string
  readonly publicKey: Uint8Array
  readonly exp: number
}

/**
 * States which identity key an active agent has, in which epochs. Writes nothing.
 *
 * The statement must never have newer epochs than the facts that it states: then whatever changes at the same time
 * ends it. So the first epoch of the deployment is read before the agent. Otherwise, a suspension of the operator
 * that is followed by the end of all tokens could happen between the two reads, and the statement would have the new
 * epoch of a suspended operator. For the same reason the clock is read first: the statement must not say that these
 * facts were true at a later time.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE, UNAVAILABLE
 */
export async function issueHolderStatement(deps: AuthnDeps, did: string): Promise<IssuedStatement> {
  const subjects = deps.subjects.of(did)
  const iat = Math.floor(deps.now() / 1000)
  const firstEpoch = await readFirstEpoch(deps.db)
  const { subject } = await subjects.reload()
  checkStatuses(subject)
  const { agent, operator } = subject
  const exp = iat + MAX_GRANT_TTL_S
  const claims = holderStatementClaims({
    issuer: deps.issuer,
    did,
    operatorId: operator.id,
    epoch: [agent.epoch, Math.max(operator.epoch, firstEpoch)],
    publicKey: agent.publicKey,
    iat,
    exp,
  })
  const statement = await deps.statementSigner.sign(claims)
  return { statement, publicKey: agent.publicKey, exp }
}

async function readFirstEpoch({ prisma }: Db): Promise<number> {
  const { firstEpoch } = await prisma.deployment.findFirstOrThrow({ select: { firstEpoch: true } })
  return firstEpoch
}
