import { isUuid, uuidv7 } from '@auth4agent/core/encoding/uuid'
import { type AuditLog, Prisma, type PrismaClient, type SignedRequest } from '../../../gen/prisma/client.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { pageTokenAfter } from '../../platform/requests/page.ts'
import type { AuditQuery } from '../domain/parse-audit-query.ts'

/** One page of an operator's audit, newest first. */
export interface AuditPage {
  readonly records: readonly AuditLog[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

/**
 * The time in an id is from a process's clock, `at` is from the database's clock. The clocks differ by less than this.
 */
const CLOCK_SLACK_MS = 120_000

/** These are literals and not parameters, because the planner uses a partial index only when it sees the value. */
const OUTCOMES = { done: Prisma.sql`"outcome" = 'done'`, refused: Prisma.sql`"outcome" = 'refused'` } as const

/**
 * Lists the audit records of an operator, newest first. These filters have an index: `subject`, the outcome `refused`
 * (audit_logs_refused), and every `action` except token.issue (audit_logs_action leaves out the many issued tokens).
 * Filters by time become bounds on the id too, so that an index can find the records.
 */
export async function listAudit(prisma: PrismaClient, operatorId: string, query: AuditQuery): Promise<AuditPage> {
  const { limit } = query
  const found = await prisma.$queryRaw<AuditLog[]>`
    SELECT "id"::text, "at", "operator_id"::text AS "operatorId", "actor", "action", "subject", "outcome"::text, "reason",
      "request_id" AS "requestId", "trace_id" AS "traceId", "kid", "key_label" AS "keyLabel"
    FROM "audit_logs" WHERE ${Prisma.join(conditions(operatorId, query), ' AND ')}
    ORDER BY "audit_logs"."id" DESC LIMIT ${limit + 1}`
  const records = found.slice(0, limit)
  const last = records.at(-1)
  return { records, nextPageToken: found.length > limit && last !== undefined ? pageTokenAfter(last.id) : '' }
}

/** An audit record, with the signed request that caused the change. */
export interface AuditEvidence {
  readonly record: AuditLog
  readonly signedRequest: SignedRequest | undefined
}

/**
 * Finds a record in the audit of an operator.
 * @throws ApiError AUDIT_RECORD_NOT_FOUND, also for a record of another operator
 */
export async function findAuditRecord(prisma: PrismaClient, operatorId: string, id: string): Promise<AuditEvidence> {
  const record = isUuid(id) ? await prisma.auditLog.findFirst({ where: { id, operatorId } }) : null
  if (record === null) throw new ApiError('AUDIT_RECORD_NOT_FOUND')
  const { signedRequestId } = record
  const found =
    signedRequestId === null ? null : await prisma.signedRequest.findUnique({ where: { id: signedRequestId } })
  return { record, signedRequest: found ?? undefined }
}

function conditions(operatorId: string, query: AuditQuery): Prisma.Sql[] {
  const { after, action, subject, outcome, since, until } = query
  const found = [Prisma.sql`"operator_id" = ${operatorId}::uuid`]
  if (after !== undefined) found.push(Prisma.sql`"id" < ${after}::uuid`)
  if (action !== undefined) found.push(Prisma.sql`"action" = ${action}`)
  if (subject !== undefined) found.push(Prisma.sql`"subject" = ${subject}`)
  if (outcome !== undefined) found.push(OUTCOMES[outcome])
  if (since !== undefined) {
    const first = firstIdAt(since.getTime() - CLOCK_SLACK_MS)
    found.push(Prisma.sql`"id" >= ${first}::uuid AND "at" >= ${since}`)
  }
  if (until !== undefined) {
    const first = firstIdAt(until.getTime() + CLOCK_SLACK_MS)
    found.push(Prisma.sql`"id" < ${first}::uuid AND "at" < ${until}`)
  }
  return found
}

/** Returns the smallest id of a time in Unix milliseconds. Times before 1970 get the id of 1970. */
function firstIdAt(ms: number): string {
  return uuidv7(Math.max(ms, 0), new Uint8Array(10))
}
