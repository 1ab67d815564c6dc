import { checkBundleSize, MAX_BUNDLE_BYTES } from '@auth4agent/core/key-events/agent-bundle'
import { parseAgentRelease } from '@auth4agent/core/key-events/release'
import type { ReleaseAgentRequest } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { Call } from '../../calls/call.ts'
import { listKeys } from '../../calls/operator-keys.ts'
import { type Audit, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkNewerThanSuspension, checkRelease, checkReleased } from '../domain/check-release.ts'
import { isReleased, requireMove, requireNoRecovery, type WaitingMove } from '../domain/decide-move.ts'
import { describeMove } from '../domain/describe-move.ts'
import { parseAgentName } from '../domain/parse-agent-name.ts'
import type { MoveDeps } from './deps.ts'
import { type KeyHistory, readKeyHistory, toBundle } from './read-bundle.ts'
import { type Leaving, lockLeaving } from './read-leaving.ts'
import { writeMove } from './write-move.ts'

/** An agent that its operator has released. */
export interface ReleasedAgent {
  readonly did: string
  readonly releasedAt: Date
  /** Whether this call has ended the agent here, because the agent moves to another server. */
  readonly hasLeft: boolean
}

/**
 * Releases an agent. When the agent moves to another server, the release ends it here at once: the other server does
 * not tell this one when it has admitted the agent, and an agent must not live under two DIDs. Without a release such
 * a move never takes effect.
 *
 * @throws ApiError AGENT_NOT_FOUND, AGENT_PENDING, AGENT_REVOKED, AGENT_MOVED, NOTHING_PENDING, INVALID_STATEMENT,
 *   RECOVERY_PENDING, KEY_EVENT_LIMIT, ASSERTION_USED
 */
export async function releaseAgent(
  deps: MoveDeps,
  { operatorId, agent, statement }: ReleaseAgentRequest,
  call: Call,
): Promise<ReleasedAgent> {
  const name = parseAgentName(agent)
  const now = new Date(deps.now())
  const { operator } = await deps.operators.lookupOperator({ by: { case: 'id', value: operatorId } }, call)
  if (operator === undefined) throw new ApiError('OPERATOR_NOT_FOUND')
  const release = checkRelease(statement, operatorId, listKeys(operator), deps.clock(now))
  const { manifestSeq } = operator
  const stored = { release: statement, releaseManifestSeq: manifestSeq }
  const history = await readKeyHistory(deps, operatorId, manifestSeq, call)
  return change(deps.db.prisma, call, async (tx, audit) => {
    const leaving = await lockLeaving(tx, operatorId, name, now)
    const { did } = leaving.log.state
    const left = leftBy(leaving, release.event)
    if (left !== undefined) return { did, releasedAt: left, hasLeft: true }
    const move = requireMove(leaving.agent)
    checkReleased(release, move)
    if (move.releasedAt !== null && isReleased(leaving.agent, move))
      return { did, releasedAt: move.releasedAt, hasLeft: false }
    checkNewerThanSuspension(release, leaving.agent, now)
    const work = { tx, audit, leaving, move, stored, now }
    const hasLeft = move.claims.issuer !== deps.issuer
    if (hasLeft) await leaveServer(deps, work, history)
    else await markReleased(work)
    return { did, releasedAt: now, hasLeft }
  })
}

/** Returns when the agent left this server by this move; undefined if it did not. Only then it has a release. */
function leftBy({ release, revokedAt }: Leaving, event: string): Date | undefined {
  const known = release === null ? undefined : parseAgentRelease(release)
  return known?.ok === true && known.event === event && revokedAt !== null ? revokedAt : undefined
}

/** The columns of a release: the statement, and the number of the manifest in force. */
interface StoredRelease {
  readonly release: string
  readonly releaseManifestSeq: number
}

interface Work {
  readonly tx: Tx
  readonly audit: Audit
  readonly leaving: Leaving
  readonly move: WaitingMove
  readonly stored: StoredRelease
  readonly now: Date
}

async function markReleased({ tx, audit, leaving, move, stored, now }: Work): Promise<void> {
  const { agentId, operatorId, state } = leaving.log
  await tx.agentPendingEvent.update({
    where: { agentId_type: { agentId, type: 'move' } },
    data: { ...stored, releasedAt: now },
  })
  await audit({ action: 'agent.release', subject: state.did, operatorId, reason: describeMove(move.claims) })
}

async function leaveServer(deps: MoveDeps, work: Work, history: KeyHistory): Promise<void> {
  const { tx, audit, leaving, move, stored, now } = work
  requireNoRecovery(leaving.agent)
  const { agentId, operatorId, state } = leaving.log
  await audit({ action: 'agent.release', subject: state.did, operatorId, reason: describeMove(move.claims) })
  await writeMove(tx, audit, leaving.log, move, now)
  await tx.agent.update({ where: { id: agentId, operatorId }, data: stored })
  const bundle = await toBundle(tx, agentId, { ...history, release: stored.release, issuer: deps.issuer })
  const refusal = bundle === undefined || history.truncated ? TOO_LONG : checkBundleSize(bundle)
  if (refusal === undefined) return
  throw new ApiError('KEY_EVENT_LIMIT', `The agent cannot move to another server: ${refusal.demand}`)
}

const TOO_LONG = { demand: `a bundle has at most ${MAX_BUNDLE_BYTES} bytes` }
