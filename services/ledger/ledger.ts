import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { Db, Tx } from '../platform/db/db.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import { pruneExpired } from '../platform/db/prune.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuditAction } from './audit-action.ts'
import type { Principal } from './principal.ts'

/** Who changes something, and under which request. A `Call` is one; for the server itself `systemAuthor` makes one. */
export interface Author {
  readonly principal: Principal | { readonly kind: 'system' } | { readonly kind: 'agent'; readonly did: string }
  readonly requestId: string
}

/** The server itself as author of one pass of a job; its request id, new each time, ties the pass's lines together. */
export function systemAuthor(job: string): Author {
  return { principal: { kind: 'system' }, requestId: `${job}-${randomUUID()}` }
}

/** One line of the audit, but for its author. */
interface AuditEntry {
  readonly action: AuditAction
  /** An agent's DID, a jti, a key id or an operator id. */
  readonly subject: string
  /** Whose audit it belongs to; absent for what concerns the deployment alone. */
  readonly operatorId?: string
  /** Why, in the caller's words or as a reason code. */
  readonly reason?: string
}

/** Writes one line of the audit in the transaction of its change. */
export type Audit = (entry: AuditEntry) => Promise<void>

/**
 * Runs a change in one transaction, together with its audit and with the assertion it uses up. The assertion goes first,
 * so of two calls with the same one the second waits for the first and is refused: ASSERTION_USED.
 */
export function change<T>(
  prisma: PrismaClient,
  author: Author,
  work: (tx: Tx, audit: Audit) => Promise<T>,
): Promise<T> {
  return prisma.$transaction(async (tx) => {
    await useAssertion(tx, author)
    return work(tx, async (entry) => {
      await tx.auditLog.create({ data: auditRow(author, entry, 'done') })
    })
  })
}

/** A refusal names the RPC where that changes nothing. */
type RefusalEntry = Omit<AuditEntry, 'action'> & { readonly action: AuditAction | `${string}/${string}` }

/** Records that an authenticated caller was refused. Nothing else has changed. */
export async function recordRefusal(prisma: PrismaClient, author: Author, entry: RefusalEntry): Promise<void> {
  await prisma.auditLog.create({ data: auditRow(author, entry, 'refused') })
}

/** Audit ids are UUIDv7, so that they list in the order of time. */
export function auditId(): string {
  return uuidv7(Date.now(), randomBytes(10))
}

/** How an author is named in the audit. */
export function actorName(principal: Author['principal']): string {
  if (principal.kind === 'operator') return `operator:${principal.operatorId}`
  if (principal.kind === 'agent') return `agent:${principal.did}`
  return principal.kind
}

function auditRow(author: Author, entry: RefusalEntry, outcome: 'done' | 'refused') {
  return {
    id: auditId(),
    operatorId: entry.operatorId ?? null,
    actor: actorName(author.principal),
    action: entry.action,
    subject: entry.subject,
    outcome,
    reason: entry.reason ?? '',
    requestId: author.requestId,
  }
}

/** An assertion is kept until no clock within the allowed skew can still accept it. */
const KEEP_BEYOND_EXPIRY_S = 120

/** What is kept of an author's assertion once it is used up; undefined for authors without one. */
export function usedAssertionOf({ principal }: Author): { issuer: string; jti: string; keepUntil: Date } | undefined {
  if (principal.kind !== 'operator' && principal.kind !== 'admin') return undefined
  const issuer = principal.kind === 'operator' ? principal.operatorId : 'admin'
  const { jti, expiresAt } = principal.assertion
  return { issuer, jti, keepUntil: new Date((expiresAt + KEEP_BEYOND_EXPIRY_S) * 1000) }
}

async function useAssertion(tx: Tx, author: Author): Promise<void> {
  const used = usedAssertionOf(author)
  if (used === undefined) return
  const { count } = await tx.usedAssertion.createMany({ data: [used], skipDuplicates: true })
  if (count === 0) throw new ApiError('ASSERTION_USED')
}

/** Forgets used assertions that nobody can accept any more. */
export function pruneAssertions({ pool }: Db, passed: PassedTime): Promise<void> {
  return pruneExpired(pool, passed, 'used_assertions', 'keep_until')
}
