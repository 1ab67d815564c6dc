import { isUuid } from '@auth4agent/core/encoding/uuid'
import { change, systemAuthor } from '../../ledger/ledger.ts'
import type { TrustDeps } from '../config.ts'

/** Dependencies of createEdgeEnder. */
export type EdgeEnderDeps = Pick<TrustDeps, 'db' | 'now' | 'log'>

/** Ends the statements of other deployments that the logs of those deployments have ended. */
export interface EdgeEnder {
  /** Ends one soon. The log of one deployment ends only the statements that were read from it. */
  end(issuerId: string, edge: string): void
  /** Resolves when no edge waits. */
  idle(): Promise<void>
}

/** The most edges that one query looks for. */
const BATCH = 1_000

/**
 * Creates the ender. It looks for many edges with one query, and has one query under way at most: another deployment
 * decides how many records its log has, and must not take the connections of this one.
 */
export function createEdgeEnder(deps: EdgeEnderDeps): EdgeEnder {
  const waiting = new Map<string, string[]>()
  let running: Promise<void> | undefined

  const run = async () => {
    for (;;) {
      const [first] = waiting
      if (first === undefined) return
      const [issuerId, edges] = first
      // The next batch is of another issuer, if one waits, so that a long log delays no other.
      waiting.delete(issuerId)
      const batch = edges.splice(-BATCH)
      if (edges.length > 0) waiting.set(issuerId, edges)
      await endAll(deps, issuerId, batch).catch((error: unknown) => {
        deps.log.warn({ error }, 'the end of a trust statement of another deployment could not be stored')
      })
    }
  }
  return {
    end(issuerId, edge) {
      if (!isUuid(edge)) return
      const edges = waiting.get(issuerId)
      if (edges === undefined) waiting.set(issuerId, [edge])
      else edges.push(edge)
      running ??= run().finally(() => {
        running = undefined
      })
    },
    async idle() {
      await running
    },
  }
}

async function endAll({ db, now }: EdgeEnderDeps, issuerId: string, edges: readonly string[]): Promise<void> {
  // Most records are about edges that do not count here.
  const { rows } = await db.pool.query<{ id: string; jti: string; home: string }>(
    `SELECT edge_id::text AS id, jti::text, home FROM trust_statements
     WHERE edge_id = ANY ($1::uuid[]) AND issuer_id = $2::uuid AND ended_at IS NULL`,
    [edges, issuerId],
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
