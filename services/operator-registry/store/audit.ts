import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type { AuditLog, PrismaClient } from '../../../gen/prisma/client.ts'
import { pageTokenAfter } from '../../platform/requests/page.ts'
import type { AuditQuery } from '../domain/parse-audit-query.ts'

/** One page of an audit, newest first. */
export interface AuditPage {
  readonly records: readonly AuditLog[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

/** Ids are made by a process's clock, `at` by the database's: they differ by less than this. */
const CLOCK_SLACK_MS = 120_000

/**
 * Lists an operator's own audit. Times are bounds on the id as well, so that the index leads to them; and an action other
 * than token.issue has an index without the many tokens (audit_logs_operator_changes).
 */
export async function listAudit(prisma: PrismaClient, operatorId: string, query: AuditQuery): Promise<AuditPage> {
  const { limit, after, action, subject, outcome, since, until } = query
  const found = await prisma.auditLog.findMany({
    where: {
      operatorId,
      AND: [
        after === undefined ? {} : { id: { lt: after } },
        since === undefined ? {} : { id: { gte: firstIdAt(since.getTime() - CLOCK_SLACK_MS) } },
        until === undefined ? {} : { id: { lt: firstIdAt(until.getTime() + CLOCK_SLACK_MS) } },
      ],
      ...(action === undefined ? {} : { action }),
      ...(subject === undefined ? {} : { subject }),
      ...(outcome === undefined ? {} : { outcome }),
      at: { ...(since === undefined ? {} : { gte: since }), ...(until === undefined ? {} : { lt: until }) },
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  })
  const records = found.slice(0, limit)
  const last = records.at(-1)
  return { records, nextPageToken: found.length > limit && last !== undefined ? pageTokenAfter(last.id) : '' }
}

/** The smallest id of a moment, for Unix milliseconds; those before 1970 have the ids of 1970. */
function firstIdAt(ms: number): string {
  return uuidv7(Math.max(ms, 0), new Uint8Array(10))
}
