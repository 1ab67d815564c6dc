import type { AuditLog, PrismaClient } from '../../../gen/prisma/client.ts'
import { pageTokenAfter } from '../../shared/requests/page.ts'
import type { AuditQuery } from '../domain/parse-audit-query.ts'

/** One page of an audit, newest first. */
export interface AuditPage {
  readonly records: readonly AuditLog[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

/** Lists an operator's own audit. */
export async function listAudit(prisma: PrismaClient, operatorId: string, query: AuditQuery): Promise<AuditPage> {
  const { limit, after, action, subject, outcome, since, until } = query
  const found = await prisma.auditLog.findMany({
    where: {
      operatorId,
      ...(after === undefined ? {} : { id: { lt: after } }),
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
