import { KEY_EVENT_TYPES, type KeyEventType } from '@auth4agent/core/key-events/event-claims'
import { type KeyEvent, parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { AppendKeyEventRequest } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import type { Call } from '../../calls/call.ts'
import { change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { describeMove } from '../domain/describe-move.ts'
import { decideAppend, type KeyLog } from '../domain/key-log.ts'
import { checkTime, parseSentEvent, requireType } from '../domain/parse-key-event.ts'
import { checkDestination } from '../moves/check-destination.ts'
import { resolveOwner } from '../resolve-did.ts'
import type { KeyEventDeps } from './deps.ts'
import { lockKeyLog, readKeyLog } from './read-key-log.ts'
import { type Begun, insertWaiting } from './waiting-events.ts'
import { writeSteps } from './write-steps.ts'

const TYPES = ['rotate', 'add-key', 'remove-key', 'deactivate', 'move'] as const

/** An event that is in the log, or a move that waits. */
export interface Appended {
  readonly event: KeyEvent
  /** The types of the events that this call has written to the log. Empty for a repeated call. */
  readonly written: readonly KeyEventType[]
  /** When a move that waits can be admitted without a release. */
  readonly effectiveAt?: Date
  /** The move that this call has begun. */
  readonly begun?: Begun
}

/**
 * Appends an event to the log of an agent. A move does not change the log yet: it waits until an operator admits the
 * agent. The event authenticates the call, so it is checked before anything is locked or written, and again under the
 * lock.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, and as decideAppend does
 */
export async function appendKeyEvent(
  deps: KeyEventDeps,
  { did, event: text }: AppendKeyEventRequest,
  call: Call,
): Promise<Appended> {
  const { prisma } = deps.db
  const operator = await resolveOwner(deps, did, call)
  const event = parseSentEvent(text, KEY_EVENT_TYPES)
  if (event.claims.did !== did)
    throw new ApiError('INVALID_KEY_EVENT', 'In the key event, did must be the same as in the request')
  const at = new Date(deps.now())
  const decide = (log: KeyLog) => {
    checkTime(event, deps.clock(at))
    return decideAppend(log, event, at)
  }
  const seen = await readKeyLog(prisma, operator.id, { did }, event)
  const known = await findRepeated(prisma, seen, event)
  if (known !== undefined) return known
  requireType(event, TYPES)
  decide(seen)
  // An event that only takes a key away is never refused for what other agents have done.
  if (event.claims.type !== 'deactivate' && event.claims.type !== 'remove-key') deps.limitEvents(operator.id)
  const move = event.claims.type === 'move' ? event.claims : undefined
  if (move !== undefined) await checkDestination(deps, seen.agentId, move, call)
  const author = { ...call, principal: { kind: 'agent', did } } as const
  return change(prisma, author, async (tx, audit) => {
    const log = await lockKeyLog(tx, operator.id, { did }, event)
    const repeated = await findRepeated(tx, log, event)
    if (repeated !== undefined) return repeated
    const steps = decide(log)
    if (move !== undefined) await refuseObjected(tx, log.agentId, move.iat)
    const due = move === undefined ? steps : steps.slice(0, -1)
    if (due.length > 0) await writeSteps(tx, audit, log, due, at)
    const written = due.map((step) => step.event.claims.type)
    if (move === undefined) return { event, written }
    const effectiveAt = new Date(at.getTime() + deps.moveDelayMs)
    await insertWaiting(tx, log.agentId, 'move', event, { requestedAt: at, effectiveAt })
    const reason = describeMove(move)
    await audit({ action: 'agent.request-move', subject: did, operatorId: operator.id, reason })
    return { event, written, effectiveAt, begun: { did, operatorId: operator.id, effectiveAt, to: move.to } }
  })
}

/**
 * Returns the event if the log contains exactly it, or if it is the move that waits.
 *
 * @throws ApiError KEY_EVENT_CONFLICT for a move that is not newer than the one that waits.
 */
async function findRepeated(
  prisma: PrismaClient | Tx,
  { agentId, state, computed }: KeyLog,
  event: KeyEvent,
): Promise<Appended | undefined> {
  const { claims, text } = event
  const repeated = { event, written: [] }
  if (claims.seq <= state.seq) {
    const where = { agentId_seq: { agentId, seq: claims.seq } }
    const known = await prisma.agentKeyEvent.findUnique({ where, select: { event: true } })
    return (known?.event ?? computed?.text) === text ? repeated : undefined
  }
  if (claims.type !== 'move') return undefined
  const waiting = await prisma.agentPendingEvent.findUnique({ where: { agentId_type: { agentId, type: 'move' } } })
  if (waiting === null) return undefined
  if (waiting.event === text) return { ...repeated, effectiveAt: waiting.effectiveAt }
  // Everybody can read the events that wait. Nobody but the agent may replace one, so an older one is no replacement.
  const last = parseKeyEvent(waiting.event)
  if (last.ok && claims.iat <= last.claims.iat)
    throw new ApiError('KEY_EVENT_CONFLICT', 'In the key event, iat must be after that of the move that waits')
  return undefined
}

/** Throws KEY_EVENT_CONFLICT for a move that is not newer than the last one to which the operator has objected. */
async function refuseObjected(tx: Tx, agentId: string, iat: number): Promise<void> {
  const { objectedMoveSignedAt } = await tx.agent.findUniqueOrThrow({
    where: { id: agentId },
    select: { objectedMoveSignedAt: true },
  })
  if (objectedMoveSignedAt === null || iat * 1000 > objectedMoveSignedAt.getTime()) return
  const detail = 'In the key event, iat must be after that of the move to which the operator has objected'
  throw new ApiError('KEY_EVENT_CONFLICT', detail)
}
