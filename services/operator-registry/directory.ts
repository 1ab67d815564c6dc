import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { OperationalKey, RootKey } from '@auth4agent/core/identity/operator-manifest'
import type { Operator } from '../../gen/prisma/client.ts'
import type {
  LookupOperatorRequest,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Db } from '../platform/db/db.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import { longestTtl } from './domain/delegation-policy.ts'
import { listParentDomains } from './domain/list-parent-domains.ts'
import { findAudienceOwner } from './store/directory.ts'
import { readKeys, type StoredKeys } from './store/manifests.ts'
import { findOwner } from './store/operators.ts'

/**
 * Creates the handlers of OperatorDirectoryService, which other parts of the server call. A malformed id gets the same
 * answer as an unknown id, because the callers check the form of an id themselves.
 */
export function createDirectory(
  { prisma, pool }: Pick<Db, 'prisma' | 'pool'>,
  issuer: string,
): InternalHandlers<typeof OperatorDirectoryService> {
  return {
    async lookupOperator({ by }) {
      const operator = await find(by)
      return operator === null ? {} : { operator: snapshot(operator, await readKeys(prisma, issuer, operator)) }
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

function snapshot(operator: Operator, { seq, threshold, rootKeys, keys }: StoredKeys) {
  const { id, domain, status, rootPublicKey, version, epoch, requireBoundChallenges } = operator
  const { requireBodyDigest, hideAllowedScopes, frozenAt, delegateTo, maxGrantTtl } = operator
  return {
    id,
    domain,
    status,
    rootPublicKey,
    version,
    epoch,
    requireBoundChallenges,
    // Without a manifest, the root key is the only key, and readers of every version know it.
    keys: seq === 0 ? [] : [...rootKeys.map(toRootKey), ...keys.map(toOperationalKey)],
    rootThreshold: threshold,
    requireBodyDigest,
    frozen: frozenAt !== null,
    hideAllowedScopes,
    delegateTo,
    // Never 0, by which authn recognises a process of an older version that knows no limit.
    maxGrantTtl: longestTtl({ maxGrantTtl }),
    manifestSeq: seq,
    provenSinceMs: BigInt(operator.domainVerifiedAt?.getTime() ?? 0),
  }
}

function toRootKey({ kid, jwk, label }: RootKey) {
  return { kid, jwk: JSON.stringify(jwk), label, root: true }
}

function toOperationalKey({ kid, jwk, label, roles, nbf, exp }: OperationalKey) {
  return { kid, jwk: JSON.stringify(jwk), label, roles: [...roles], nbf: BigInt(nbf), exp: BigInt(exp) }
}
