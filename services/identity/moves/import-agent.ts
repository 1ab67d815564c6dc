import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { type BundleRefusal, checkAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { AddedKey } from '@auth4agent/core/key-events/key-state'
import type { AgentBundle } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { MAX_AGE_S, type SigningClock } from '../domain/parse-key-event.ts'
import { eventRow } from '../key-events/write-steps.ts'
import type { AdmittingOperator } from './admitting-operator.ts'
import type { MoveDeps } from './deps.ts'
import { type Admitted, insertAdmitted, requireNoAgent } from './insert-admitted.ts'
import { type ReplayedLog, replayInTurns } from './replay-in-turns.ts'

/**
 * Admits an agent of another server from its bundle. Verifies all of it without the other server.
 *
 * @throws ApiError INVALID_BUNDLE, AGENT_EXISTS, ASSERTION_USED
 */
export async function importAgent(
  deps: MoveDeps,
  bundle: AgentBundle,
  { operator, label, call }: AdmittingOperator,
): Promise<Admitted> {
  const { id: operatorId, domain } = operator
  const checked = checkAgentBundle(bundle, { issuer: deps.issuer, operatorId, domain })
  if (!checked.ok) throw invalid(checked)
  const { move, source } = checked
  const { did: movedFrom, to: did } = move
  await requireNoAgent(deps.db.prisma, operatorId, did)
  const at = new Date(deps.now())
  const replayed = await replayInTurns(bundle.events)
  if (!replayed.ok) throw invalid(replayed)
  checkLatest(replayed, deps.clock(at))
  return change(deps.db.prisma, call, async (tx, audit) => {
    const arrival = { operatorId, did, label, movedFrom, at }
    const agent = await insertAdmitted(tx, audit, arrival, (id) => writeLog(tx, id, replayed, at))
    const reason = `from ${movedFrom}, released by operator ${source.operatorId} at ${source.issuer}`
    await audit({ action: 'agent.admit', subject: did, operatorId, reason })
    return agent
  })
}

/** The next event may not be older than the last one, so an event from the future would make the log unusable. */
function checkLatest({ state }: ReplayedLog, { nowS, skewS }: SigningClock): void {
  if (state.iat <= nowS + MAX_AGE_S + skewS) return
  throw new ApiError('INVALID_BUNDLE', 'The move must not be signed in the future')
}

async function writeLog(tx: Tx, agentId: string, { events, state }: ReplayedLog, at: Date): Promise<void> {
  await tx.agentKey.createMany({ data: identityKeys(agentId, events) })
  await tx.agentAddedKey.createMany({ data: state.addedKeys.map((key) => addedKeyRow(agentId, key)) })
  await tx.agentKeyEvent.createMany({ data: events.map((event) => eventRow(agentId, event, at)) })
}

/** Returns the identity keys of a log, oldest first. Each ends when the next one begins. */
function identityKeys(agentId: string, events: readonly KeyEvent[]) {
  const established = events.flatMap(({ claims }) =>
    claims.type === 'inception' || claims.type === 'rotate' || claims.type === 'recover' ? [claims] : [],
  )
  return established.map(({ key, next, iat }, index) => {
    const publicKey = Uint8Array.from(decodeBase64url(key.x) ?? [])
    const following = established[index + 1]
    return {
      agentId,
      publicKey,
      thumbprint: thumbprint(publicKey),
      next: next ?? null,
      createdAt: new Date(iat * 1000),
      retiredAt: following === undefined ? null : new Date(following.iat * 1000),
    }
  })
}

function addedKeyRow(agentId: string, { kid, jwk, label, exp }: AddedKey) {
  return { agentId, thumbprint: kid, publicJwk: { ...jwk }, label, expiresAt: new Date(exp * 1000) }
}

function invalid({ demand }: BundleRefusal): ApiError {
  return new ApiError('INVALID_BUNDLE', `${demand.slice(0, 1).toUpperCase()}${demand.slice(1)}`)
}
