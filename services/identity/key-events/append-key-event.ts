import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { AppendKeyEventRequest } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import type { Call } from '../../chain/call.ts'
import { change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decideAppend, type KeyLog } from '../domain/key-log.ts'
import { checkTime, parseSentEvent } from '../domain/parse-key-event.ts'
import { resolveOwner } from '../resolve-did.ts'
import type { KeyEventDeps } from './deps.ts'
import { lockKeyLog, readKeyLog } from './read-key-log.ts'
import { writeSteps } from './write-steps.ts'

const TYPES = ['rotate', 'add-key', 'remove-key', 'deactivate'] as const

/** An event that is in the log. */
export interface Appended {
  readonly event: KeyEvent
  /** The types of the events that this call has written. Empty for a repeated call. */
  readonly written: readonly KeyEvent['claims']['type'][]
}

/**
 * Appends an event to the log of an agent. The event authenticates the call, so it is checked before anything is
 * locked or written, and again under the lock.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, and as decideAppend does
 */
export async function appendKeyEvent(
  deps: KeyEventDeps,
  { did, event: text }: AppendKeyEventRequest,
  { requestId }: Call,
): Promise<Appended> {
  const { prisma } = deps.db
  const operator = await resolveOwner(deps, did)
  const event = parseSentEvent(text, TYPES)
  if (event.claims.did !== did)
    throw new ApiError('INVALID_KEY_EVENT', 'In the key event, did must be the same as in the request')
  const at = new Date(deps.now())
  const decide = (log: KeyLog) => {
    checkTime(event, deps.clock(at))
    return decideAppend(log, event, at)
  }
  const seen = await readKeyLog(prisma, operator.id, { did })
  if (await isInLog(prisma, seen, event)) return { event, written: [] }
  decide(seen)
  const author = { requestId, principal: { kind: 'agent', did } } as const
  return change(prisma, author, async (tx, audit) => {
    const log = await lockKeyLog(tx, operator.id, { did })
    if (await isInLog(tx, log, event)) return { event, written: [] }
    const steps = decide(log)
    await writeSteps(tx, audit, log, steps, at)
    return { event, written: steps.map((step) => step.event.claims.type) }
  })
}

/** Returns whether the log contains exactly this event. */
async function isInLog(
  prisma: PrismaClient | Tx,
  { agentId, state }: KeyLog,
  { claims, text }: KeyEvent,
): Promise<boolean> {
  if (claims.seq > state.seq) return false
  const where = { agentId_seq: { agentId, seq: claims.seq } }
  const known = await prisma.agentKeyEvent.findUnique({ where, select: { event: true } })
  return known?.event === text
}
