import { isUuid } from '@auth4agent/core/encoding/uuid'
import { MAX_BUNDLE_BYTES } from '@auth4agent/core/key-events/agent-bundle'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { KeyHistoryService } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { InternalHandlers } from '../../platform/rpc/local-client.ts'

/** Creates the handlers of KeyHistoryService. */
export function createKeyHistory(prisma: PrismaClient): InternalHandlers<typeof KeyHistoryService> {
  return {
    async getKeyHistory({ id, manifestSeq }) {
      const operator = isUuid(id) ? await prisma.operator.findUnique({ where: { id } }) : null
      if (operator === null) return {}
      const { foundingPublicKey, rootPublicKey } = operator
      const rows = await readManifests(prisma, id, manifestSeq)
      const last = rows.at(-1)
      return {
        foundingPublicKey: foundingPublicKey ?? rootPublicKey,
        manifests: rows.map(({ manifest }) => manifest),
        truncated: manifestSeq > 0 && last?.seq !== manifestSeq,
      }
    },
  }
}

interface Row {
  readonly seq: number
  readonly manifest: string
}

/**
 * Reads a manifest and those before it that changed the root keys. The others prove nothing: a root key of the last
 * change has signed each manifest until the next change. Stops at the size of a bundle.
 */
function readManifests(prisma: PrismaClient, operatorId: string, manifestSeq: number): Promise<Row[]> {
  return prisma.$queryRaw<Row[]>`
    SELECT seq, manifest FROM (
      SELECT seq, manifest, sum(octet_length(manifest)) OVER (ORDER BY seq) AS bytes FROM operator_manifests
      WHERE operator_id = ${operatorId}::uuid AND seq <= ${manifestSeq} AND (changes_root OR seq = ${manifestSeq})
    ) needed WHERE bytes <= ${MAX_BUNDLE_BYTES} ORDER BY seq`
}
