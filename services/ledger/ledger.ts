import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { Db, Tx } from '../platform/db/db.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import { pruneExpired } from '../platform/db/prune.ts'
import { SERVER } from '../platform/db/server-facts.ts'
import { ApiError, hasDatabaseCode } from '../platform/errors/api-error.ts'
import { type Cause, ownCause, type Span, type SpanOptions, traced } from '../platform/trace/span.ts'
import type { AuditAction } from './audit-action.ts'
import type { Actor } from './principal.ts'
import { pruneAudit } from './prune-audit.ts'
import { keyColumns, signedRequestOf } from './signed-request.ts'
import { chargeChange, pruneTotals, type StorageBound } from './storage-bound.ts'

/**
 * Who makes a change, and in which request. A `Call` is an author; `systemAuthor` returns an author for the server.
 */
export interface Author extends Cause {
  readonly principal: Actor
  /** Makes each transaction of a call wait for its turn. Absent for jobs, which never run beside themselves. */
  readonly inTurn?: InTurn
  /** How much the changes of an operator may store; absent for authors that this does not limit. */
  readonly storage?: StorageBound
  /**
   * Receives the database server from whose rows a change was refused, or was found to be made already. Absent for
   * jobs, which nobody waits for.
   */
  readonly sawServer?: (server: string) => void
}

/** Runs work when it is its turn. Throws ApiError RATE_LIMITED, DEADLINE_EXCEEDED. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** Runs a transaction of an author when it is the author's turn. */
export function inTurn<T>({ inTurn: wait }: Pick<Author, 'inTurn'>, transaction: () => Promise<T>): Promise<T> {
  return wait === undefined ? transaction() : wait(transaction)
}

/**
 * Returns the server as the author of one pass of a job. All audit records of this pass have the same new request id.
 */
export function systemAuthor(job: string): Author {
  return { principal: { kind: 'system' }, ...ownCause(job) }
}

/** One audit record, without its author. */
export interface AuditEntry {
  readonly action: AuditAction
  /** An agent's DID, a jti, a key id or an operator id. */
  readonly subject: string
  /** Operator whose audit the record belongs to; absent when the change concerns only the deployment. */
  readonly operatorId?: string
  /** The caller's reason, or a reason code. */
  readonly reason?: string
  /** The actor, if the change of the call includes one that another party has made. */
  readonly principal?: Actor
}

/** Writes audit records, in their order and by one statement, in the transaction of their change. */
export type Audit = (...entries: readonly AuditEntry[]) => Promise<void>

/**
 * Runs a change in one transaction, which also writes the audit, keeps the signed request of an operator or of the
 * administrator, and records that the assertion was used. The transaction records the assertion first, so of two
 * calls with the same assertion the second waits until the first has ended. A transaction of a call waits for its
 * turn before it takes a connection. It counts what the change stores last, so that changes of one operator wait for
 * each other only while they commit.
 *
 * @throws ApiError ASSERTION_USED when another change has used the assertion; RATE_LIMITED when the operator has
 *   stored too much today; and every error that `work` throws.
 */
export function change<T>(
  prisma: PrismaClient,
  author: Author,
  work: (tx: Tx, audit: Audit) => Promise<T>,
): Promise<T> {
  const transaction = async (tx: Tx, span: Span | undefined): Promise<T> => {
    await useAssertion(tx, author)
    const request = signedRequestOf(author, auditId())
    let records = 0
    let namesRequest = false
    const result = await work(tx, async (...entries) => {
      const [first] = entries
      if (first === undefined) return
      if (records === 0) span?.describe(`change ${first.action}`)
      records += entries.length
      namesRequest ||= request !== undefined && entries.some(isOfAuthor)
      // The request belongs to its caller, so another party's record does not show it.
      const idFor = (entry: AuditEntry) => (isOfAuthor(entry) ? (request?.id ?? null) : null)
      const data = entries.map((entry) =>
        Object.assign(auditRow(author, entry, 'done'), { signedRequestId: idFor(entry) }),
      )
      await tx.auditLog.createMany({ data })
    })
    if (records === 0) {
      await noteServer(tx, author)
      return result
    }
    const mayKeep = await chargeChange(tx, author, request, records)
    if (request !== undefined && namesRequest && mayKeep) await tx.signedRequest.create({ data: request })
    return result
  }
  const inTransaction = (span: Span | undefined) =>
    prisma.$transaction((tx) => noting(tx, author, () => transaction(tx, span)))
  return inTurn(author, () => traced(author.span, 'change', inTransaction, ON_DATABASE))
}

/** A span for statements. */
export const ON_DATABASE: SpanOptions = { kind: 'client', attributes: { 'db.system.name': 'postgresql' } }

/** Runs a part of a transaction. If it refuses, tells the author which server has shown the rows. */
async function noting<T>(tx: Tx, author: Author, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ApiError) await noteServer(tx, author)
    throw error
  }
}

/** Tells the author which server has shown the rows. After a refused statement, the transaction answers no more. */
async function noteServer(tx: Tx, { sawServer }: Author): Promise<void> {
  if (sawServer === undefined) return
  try {
    const [row] = await tx.$queryRawUnsafe<{ server: string }[]>(`SELECT ${SERVER} AS server`)
    sawServer(row?.server ?? '')
  } catch (error) {
    if (!hasDatabaseCode(error, ABORTED_TRANSACTION)) throw error
  }
}

/** SQLSTATE of every statement after the one that the database has refused. */
const ABORTED_TRANSACTION = '25P02'

function isOfAuthor({ principal }: AuditEntry): boolean {
  return principal === undefined
}

/** The entry for a refusal. For an RPC without an audit action, `action` is the name of the RPC. */
type RefusalEntry = Omit<AuditEntry, 'action'> & { readonly action: AuditAction | `${string}/${string}` }

/** Records in the audit that the server refused a call. The caller can use its assertion again. */
export async function recordRefusal(prisma: PrismaClient, author: Author, entry: RefusalEntry): Promise<void> {
  await prisma.auditLog.create({ data: auditRow(author, entry, 'refused') })
}

const lastId = { ms: 0, count: 0 }

/**
 * Returns a new id for an audit record: a UUIDv7, so that ids sort by time. Records of one process and one millisecond
 * are numbered in their first 12 random bits (RFC 9562 section 6.2, method 1): one change often writes several.
 */
export function auditId(nowMs = Date.now()): string {
  lastId.count = nowMs === lastId.ms ? lastId.count + 1 : 0
  lastId.ms = nowMs
  const random = randomBytes(10)
  random.writeUInt16BE(lastId.count % 0x1000)
  return uuidv7(nowMs, random)
}

/** Returns the name of an author in the audit. */
export function actorName(principal: Actor): string {
  if (principal.kind === 'operator') return `operator:${principal.operatorId}`
  if (principal.kind === 'agent') return `agent:${principal.did}`
  if (principal.kind === 'client') return `client:${principal.clientId}`
  if (principal.kind === 'provider') return `provider:${principal.id}`
  return principal.kind === 'user' ? principal.subject : principal.kind
}

function auditRow(author: Author, entry: RefusalEntry, outcome: 'done' | 'refused') {
  const principal = entry.principal ?? author.principal
  return {
    id: auditId(),
    operatorId: entry.operatorId ?? null,
    actor: actorName(principal),
    action: entry.action,
    subject: entry.subject,
    outcome,
    reason: entry.reason ?? '',
    requestId: author.requestId,
    traceId: author.span?.traceId ?? '',
    ...keyColumns({ ...author, principal }),
  }
}

/** Seconds for which the server keeps a used assertion after it expired: longer than any allowed clock skew. */
export const KEEP_BEYOND_EXPIRY_S = 120

/** Returns the row that records the use of an author's assertion; undefined for an author without an assertion. */
export function usedAssertionOf({ principal }: Author): { issuer: string; jti: string; keepUntil: Date } | undefined {
  if (principal.kind !== 'operator' && principal.kind !== 'admin') return undefined
  const issuer = principal.kind === 'operator' ? principal.operatorId : 'admin'
  const { jti, expiresAt } = principal.assertion
  return { issuer, jti, keepUntil: keepUntil(expiresAt) }
}

function keepUntil(expiresAt: number): Date {
  return new Date((expiresAt + KEEP_BEYOND_EXPIRY_S) * 1000)
}

async function useAssertion(tx: Tx, author: Author): Promise<void> {
  const used = usedAssertionOf(author)
  if (used === undefined) return
  const { count } = await tx.usedAssertion.createMany({ data: [used], skipDuplicates: true })
  if (count === 0) throw new ApiError('ASSERTION_USED')
  await useApprovals(tx, author)
}

/**
 * Refuses a call whose assertion was used before, ahead of work that is done before the change. The change itself
 * decides again.
 *
 * @throws ApiError ASSERTION_USED
 */
export async function demandUnused(prisma: PrismaClient, author: Author): Promise<void> {
  const used = usedAssertionOf(author)
  if (used === undefined) return
  const { issuer, jti } = used
  await prisma.$transaction((tx) =>
    noting(tx, author, async () => {
      if ((await tx.usedAssertion.count({ where: { issuer, jti } })) > 0) throw new ApiError('ASSERTION_USED')
    }),
  )
}

/** Records the use of all approvals of a root operation. */
async function useApprovals(tx: Tx, { principal }: Author): Promise<void> {
  if (principal.kind !== 'operator' || principal.root === undefined) return
  // A jti of an assertion has no blank, so an approval never uses up an assertion, or the approval of another key.
  const data = principal.root.approvals.map(({ kid, jti, expiresAt }) => ({
    issuer: principal.operatorId,
    jti: `approval ${kid} ${jti}`,
    keepUntil: keepUntil(expiresAt),
  }))
  if (data.length === 0) return
  const { count } = await tx.usedAssertion.createMany({ data, skipDuplicates: true })
  if (count < data.length) throw new ApiError('INVALID_APPROVAL', 'An approval must not have been used before')
}

/** Removes used assertions that have expired so long ago that no process can still accept them. */
export function pruneAssertions({ pool }: Db, passed: PassedTime): Promise<void> {
  return pruneExpired(pool, passed, 'used_assertions', 'keep_until')
}

/** Runs the scheduled work of the ledger. `retentionMs` is how long the audit is kept; undefined means for good. */
export async function pruneLedger(db: Db, passed: PassedTime, retentionMs: number | undefined): Promise<void> {
  await pruneAssertions(db, passed)
  await pruneTotals(db.pool)
  if (retentionMs !== undefined) await pruneAudit(db.pool, passed, retentionMs)
}
