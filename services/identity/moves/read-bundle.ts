import { MAX_BUNDLE_BYTES } from '@auth4agent/core/key-events/agent-bundle'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Cause } from '../../platform/trace/span.ts'
import type { MoveDeps } from './deps.ts'

/** What proves the keys that an operator had when it released an agent. */
export interface KeyHistory {
  readonly foundingPublicKey: Uint8Array
  readonly manifests: readonly string[]
  /** Whether there are more manifests than fit into a bundle. */
  readonly truncated: boolean
}

/**
 * Reads the history of an operator's keys up to a manifest.
 *
 * @throws ApiError OPERATOR_NOT_FOUND
 */
export async function readKeyHistory(
  { histories }: Pick<MoveDeps, 'histories'>,
  id: string,
  manifestSeq: number,
  cause: Cause,
): Promise<KeyHistory> {
  const { foundingPublicKey, manifests, truncated } = await histories.getKeyHistory({ id, manifestSeq }, cause)
  if (foundingPublicKey.length === 0) throw new ApiError('OPERATOR_NOT_FOUND')
  return { foundingPublicKey, manifests, truncated }
}

/** Returns the bundle of an agent whose log ends with its move; undefined if the log does not fit into a bundle. */
export async function toBundle(
  prisma: PrismaClient | Tx,
  agentId: string,
  { foundingPublicKey, manifests, release, issuer }: Omit<AgentBundle, 'events'>,
): Promise<AgentBundle | undefined> {
  const rows = await prisma.$queryRaw<{ event: string }[]>`
    SELECT event FROM agent_key_events WHERE agent_id = ${agentId}::uuid AND (
      SELECT sum(octet_length(event)) FROM agent_key_events WHERE agent_id = ${agentId}::uuid
    ) <= ${MAX_BUNDLE_BYTES} ORDER BY seq`
  if (rows.length === 0) return undefined
  return { events: rows.map(({ event }) => event), release, issuer, foundingPublicKey, manifests }
}
