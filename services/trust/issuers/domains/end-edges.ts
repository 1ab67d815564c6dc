import { isUuid } from '@auth4agent/core/encoding/uuid'
import { change, systemAuthor } from '../../../ledger/ledger.ts'
import type { TrustDeps } from '../../config.ts'

/** Dependencies of endEdges and endKeys. */
export type EndingDeps = Pick<TrustDeps, 'db' | 'now'>

/** Ends statements of another deployment. The log of one deployment ends only those that were read from it. */
export async function endEdges({ db, now }: EndingDeps, issuerId: string, subjects: readonly string[]): Promise<void> {
  // Most records are about edges that do not count here.
  const { rows } = await db.pool.query<{ id: string; jti: string; home: string }>(
    `SELECT edge_id::text AS id, jti::text, home FROM trust_statements
     WHERE edge_id = ANY ($1::uuid[]) AND issuer_id = $2::uuid AND ended_at IS NULL`,
    [subjects.filter(isUuid), issuerId],
  )
  for (const { id, jti, home } of rows) {
    await change(db.prisma, systemAuthor('foreign-log'), async (tx, audit) => {
      const { count } = await tx.trustStatement.updateMany({
        where: { edgeId: id, issuerId, endedAt: null },
        data: { endedAt: new Date(now()), end: 'revoked' },
      })
      if (count > 0) await audit({ action: 'trust.end', subject: jti, reason: home })
    })
  }
}
