import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'

/** What answers about an agent say about its log of key events. */
export interface KeyFacts {
  /** Number of the last event. */
  readonly keySeq: number
  /** When the server accepted the last event; null if the log is only the inception that the server computes. */
  readonly updatedAt: Date | null
  /** When the recovery or move that waits takes effect; null if none waits. */
  readonly recoveryAt: Date | null
  readonly moveAt: Date | null
}

/** The facts of an agent without a stored event. */
const NO_EVENTS: KeyFacts = { keySeq: 0, updatedAt: null, recoveryAt: null, moveAt: null }

/** Reads the facts of several agents in one statement. Returns a function that finds those of one agent. */
export async function readKeyFacts(
  prisma: PrismaClient | Tx,
  agentIds: readonly string[],
): Promise<(agentId: string) => KeyFacts> {
  const rows = await prisma.$queryRaw<(KeyFacts & { id: string })[]>`
    SELECT a.id, coalesce(e.seq, 0) AS "keySeq", e.recorded_at AS "updatedAt",
      r.effective_at AS "recoveryAt", m.effective_at AS "moveAt"
    FROM unnest(${[...agentIds]}::uuid[]) a (id)
    LEFT JOIN LATERAL (
      SELECT seq, recorded_at FROM agent_key_events WHERE agent_id = a.id ORDER BY seq DESC LIMIT 1
    ) e ON true
    LEFT JOIN agent_pending_events r ON r.agent_id = a.id AND r.type = 'recover'
    LEFT JOIN agent_pending_events m ON m.agent_id = a.id AND m.type = 'move'`
  const facts = new Map(rows.map(({ id, ...rest }) => [id, rest]))
  return (agentId) => facts.get(agentId) ?? NO_EVENTS
}
