import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { Operator } from '../../gen/prisma/client.ts'
import type {
  LookupOperatorRequest,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Db } from '../platform/db/db.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import { listParentDomains } from './domain/list-parent-domains.ts'
import { findAudienceOwner } from './store/directory.ts'
import { findOwner } from './store/operators.ts'

/**
 * Creates the handlers of OperatorDirectoryService, which other parts of the server call. A malformed id gets the same
 * answer as an unknown id, because the callers check the form of an id themselves.
 */
export function createDirectory({
  prisma,
  pool,
}: Pick<Db, 'prisma' | 'pool'>): InternalHandlers<typeof OperatorDirectoryService> {
  return {
    async lookupOperator({ by }) {
      const operator = await find(by)
      return operator === null ? {} : { operator: snapshot(operator) }
    },
    async lookupAudienceOwner({ host }) {
      return (await findAudienceOwner(pool, listParentDomains(host))) ?? {}
    },
  }

  async function find(by: LookupOperatorRequest['by']): Promise<Operator | null> {
    if (by.case === 'domain') return findOwner(prisma, by.value)
    if (by.case !== 'id' || !isUuid(by.value)) return null
    return prisma.operator.findUnique({ where: { id: by.value } })
  }
}

function snapshot(operator: Operator) {
  const { id, domain, status, rootPublicKey, version, epoch, requireBoundChallenges, requireBodyDigest } = operator
  return { id, domain, status, rootPublicKey, version, epoch, requireBoundChallenges, requireBodyDigest }
}
