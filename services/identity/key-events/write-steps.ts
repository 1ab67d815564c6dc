import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { KeyEventType } from '@auth4agent/core/key-events/event-claims'
import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import type { KeyEventType as StoredType } from '../../../gen/prisma/enums.ts'
import type { AuditAction } from '../../ledger/audit-action.ts'
import type { Audit, AuditEntry, Author } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { describeMove } from '../domain/describe-move.ts'
import type { KeyLog, Step } from '../domain/key-log.ts'
import { digestBytes } from './read-key-log.ts'

/** What an accepted event does besides its effect on the agent's keys. */
interface Effect {
  readonly action: AuditAction
  /** Whether the tokens of the agent end. */
  readonly endsTokens: boolean
}

/** The effects of the events that a log accepts after its inception. */
const EFFECTS: Readonly<Record<Exclude<KeyEventType, 'inception'>, Effect>> = {
  rotate: { action: 'agent.rotate-key', endsTokens: true },
  recover: { action: 'agent.recover', endsTokens: true },
  'add-key': { action: 'agent.add-key', endsTokens: false },
  'remove-key': { action: 'agent.remove-key', endsTokens: true },
  deactivate: { action: 'agent.deactivate', endsTokens: true },
  move: { action: 'agent.move', endsTokens: true },
}

/** The names of the types in the database. */
const STORED: Readonly<Record<KeyEventType, StoredType>> = {
  inception: 'inception',
  rotate: 'rotate',
  recover: 'recover',
  'add-key': 'add_key',
  'remove-key': 'remove_key',
  deactivate: 'deactivate',
  move: 'move',
}

/** The author of a recovery that takes effect. The operator is the author of the request for it. */
const SYSTEM: Author['principal'] = { kind: 'system' }

/**
 * Writes steps of a log whose agent is locked: the events, the agent's keys, its version and epoch, and the audit.
 * With the first step it also stores an inception that the server has computed so far. A recovery or move that waits
 * ends, because it names an event that is no longer the last one. A move ends the agent under its old DID.
 */
export async function writeSteps(tx: Tx, audit: Audit, log: KeyLog, steps: readonly Step[], at: Date): Promise<void> {
  const { agentId, operatorId, computed, createdAt } = log
  if (computed !== undefined) await insertEvent(tx, agentId, computed, createdAt)
  await tx.agentPendingEvent.deleteMany({ where: { agentId } })
  for (const { event, before, after } of steps) {
    const { type } = event.claims
    if (type === 'inception') throw new Error('An inception must not be appended')
    const { action, endsTokens } = EFFECTS[type]
    const isMove = type === 'move'
    await insertEvent(tx, agentId, event, at)
    await writeKeys(tx, agentId, before, after, at)
    await tx.agent.update({
      where: { id: agentId, operatorId },
      data: {
        ...((after.deactivated || isMove) && { status: 'revoked', revokedAt: at, suspendedAt: null }),
        ...(isMove && { movedTo: after.did }),
        version: { increment: 1 },
        ...(endsTokens && { epoch: { increment: 1 } }),
      },
    })
    await audit({ action, subject: before.did, operatorId, ...originOf(event, before) })
  }
}

/**
 * Returns what the audit says about an event whose author is not the caller. The agent is the author of its move: its
 * operator sees nothing of the request with which another operator admits the agent.
 */
function originOf({ claims }: KeyEvent, { did }: KeyState): Pick<AuditEntry, 'principal' | 'reason'> {
  if (claims.type === 'recover') return { principal: SYSTEM }
  return claims.type === 'move' ? { principal: { kind: 'agent', did }, reason: describeMove(claims) } : {}
}

/** Inserts an event into the log of an agent. */
export async function insertEvent(tx: Tx, agentId: string, event: KeyEvent, recordedAt: Date): Promise<void> {
  await tx.agentKeyEvent.create({ data: eventRow(agentId, event, recordedAt) })
}

/** Returns the row of an event in the log of an agent. */
export function eventRow(agentId: string, { claims, text, digest }: KeyEvent, recordedAt: Date) {
  const { seq, type } = claims
  return { agentId, seq, type: STORED[type], event: text, digest: digestBytes(digest), recordedAt }
}

/** Brings the agent's rows of keys from one state to the next. */
async function writeKeys(tx: Tx, agentId: string, before: KeyState, after: KeyState, at: Date): Promise<void> {
  if (after.kid !== before.kid) {
    await tx.agentKey.updateMany({ where: { agentId, retiredAt: null }, data: { retiredAt: at } })
    const publicKey = Uint8Array.from(decodeBase64url(after.key.x) ?? [])
    const next = after.next ?? null
    await tx.agentKey.create({ data: { agentId, publicKey, thumbprint: after.kid, next, createdAt: at } })
  }
  const had = new Set(before.addedKeys.map(({ kid }) => kid))
  const has = new Set(after.addedKeys.map(({ kid }) => kid))
  const removed = [...had].filter((kid) => !has.has(kid))
  if (removed.length > 0) await tx.agentAddedKey.deleteMany({ where: { agentId, thumbprint: { in: removed } } })
  for (const { kid, jwk, label, exp } of after.addedKeys.filter((key) => !had.has(key.kid))) {
    const expiresAt = new Date(exp * 1000)
    await tx.agentAddedKey.create({ data: { agentId, thumbprint: kid, publicJwk: { ...jwk }, label, expiresAt } })
  }
}
