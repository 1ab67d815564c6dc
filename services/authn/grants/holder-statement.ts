import { MAX_GRANT_TTL_S } from '@auth4agent/core/delegation/grant-types'
import { holderStatementClaims } from '@auth4agent/core/delegation/issuer-claims'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { Db } from '../../platform/db/db.ts'
import { shareWork } from '../../platform/limits/share-work.ts'
import { ownCause } from '../../platform/trace/span.ts'
import type { AuthnDeps } from '../config.ts'
import { checkStatuses } from '../domain/agent-proof.ts'
import { checkUnbounded } from '../domain/check-attestation.ts'

/** The dependencies of createHolderStatements. */
type StatementDeps = Pick<AuthnDeps, 'subjects' | 'now' | 'db' | 'issuer' | 'statementSigner'>

/** The last statement about an agent, the facts that it states, and when it was issued in Unix seconds. */
interface KeptStatement {
  readonly facts: string
  readonly iat: number
  readonly issued: IssuedStatement
}

/** A statement about the holder of a grant, the holder's raw identity key, and the expiry in Unix seconds. */
export interface IssuedStatement {
  readonly statement: string
  readonly publicKey: Uint8Array
  readonly exp: number
}

/** How long a statement is given out again while the facts stay the same, in seconds. */
const KEEP_S = 10
/** The most agents whose last statements are kept. A statement takes about 1 kB. */
const MAX_KEPT = 10_000

/**
 * Creates the function that states which identity key an active agent has, in which epochs. It writes nothing. Anybody
 * may ask, so it bounds what a call costs: for one agent, it reads the facts once at a time for all calls, and it
 * signs the same facts once in ten seconds. It always reads the facts after the call has arrived, so a call that
 * begins after a suspension or a rotation gets no statement about the time before.
 *
 * The statement must never have newer epochs than the facts that it states: then whatever changes at the same time
 * ends it. So the first epoch of the deployment is read before the agent. Otherwise, a suspension of the operator
 * that is followed by the end of all tokens could happen between the two reads, and the statement would have the new
 * epoch of a suspended operator. For the same reason the clock is read first: the statement must not say that these
 * facts were true at a later time. A statement that is given out again is older, so the same holds for it.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE, ATTESTATION_REQUIRED,
 *   UNAVAILABLE
 */
export function createHolderStatements(deps: StatementDeps): (did: string) => Promise<IssuedStatement> {
  const kept = new Map<string, KeptStatement>()
  const keep = (did: string, made: KeptStatement) => keepNewest(kept, did, made, MAX_KEPT)
  return shareWork(async (did) => {
    const subjects = deps.subjects.of(did, ownCause('authn'))
    const iat = Math.floor(deps.now() / 1000)
    const firstEpoch = await readFirstEpoch(deps.db)
    const { subject } = await subjects.reload()
    checkStatuses(subject)
    const { agent, operator } = subject
    checkUnbounded(agent)
    const epoch = [agent.epoch, Math.max(operator.epoch, firstEpoch)] as const
    const facts = [operator.id, ...epoch, Buffer.from(agent.publicKey).toString('base64')].join()
    const before = kept.get(did)
    const ageS = iat - (before?.iat ?? 0)
    if (before?.facts === facts && ageS >= 0 && ageS < KEEP_S) return before.issued
    const exp = iat + MAX_GRANT_TTL_S
    const { publicKey } = agent
    const about = { issuer: deps.issuer, did, operatorId: operator.id, epoch, publicKey, iat, exp }
    const statement = await deps.statementSigner.sign(holderStatementClaims(about))
    const issued = { statement, publicKey, exp }
    keep(did, { facts, iat, issued })
    return issued
  })
}

async function readFirstEpoch({ prisma }: Db): Promise<number> {
  const { firstEpoch } = await prisma.deployment.findFirstOrThrow({ select: { firstEpoch: true } })
  return firstEpoch
}
