import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'

const BATCH = 100

/**
 * Revokes up to 100 agents whose rule says so, because their last result expired at least `expire_unused` ago. A
 * result that was removed counts until its own expiry, so a replaced attestor leaves its agents time to attest again.
 * Returns true when there may be more.
 */
export function revokeUnused(prisma: PrismaClient, author: Author, now: Date): Promise<boolean> {
  return change(prisma, author, async (tx, audit) => {
    const revoked = await tx.$queryRaw<{ did: string; operator_id: string }[]>`
      WITH unused AS MATERIALIZED (
        SELECT a.id FROM enrolment_rules r CROSS JOIN LATERAL (
          SELECT id FROM agents
          WHERE enrolment_rule_id = r.id AND status IN ('active', 'suspended')
            AND greatest(approved_at, attested_until)
              <= ${now}::timestamptz - make_interval(secs => (r.content->>'expireUnused')::integer)
          ORDER BY greatest(approved_at, attested_until) LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
        ) a
        WHERE (r.content->>'expireUnused')::integer > 0 LIMIT ${BATCH}
      )
      UPDATE agents SET status = 'revoked', revoked_at = ${now}::timestamptz, suspended_at = NULL, version = version + 1,
        epoch = epoch + 1
      WHERE id IN (SELECT id FROM unused) RETURNING did, operator_id`
    const reason = 'unused since its results expired'
    await audit(
      ...revoked.map(({ did, operator_id: operatorId }) => {
        return { action: 'agent.revoke' as const, subject: did, operatorId, reason }
      }),
    )
    return revoked.length === BATCH
  })
}
