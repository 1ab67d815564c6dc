import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { OperationalKey, RootKey } from '@auth4agent/core/identity/operator-manifest'
import type pg from 'pg'
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

interface DirectoryDeps extends Pick<Db, 'prisma'> {
  /** Connections that look up the owners of audiences. */
  readonly lookUpPool: pg.Pool
}

/**
 * Creates the handlers of OperatorDirectoryService, which other parts of the server call. A malformed id gets the same
 * answer as an unknown id, because the callers check the form of an id themselves.
 */
export function createDirectory(
  { prisma, lookUpPool }: DirectoryDeps,
  issuer: string,
): InternalHandlers<typeof OperatorDirectoryService> {
  return {
    async lookupOperator({ by }) {
      const operator = await find(by)
      return operator === null ? {} : { operator: snapshot(operator, await readKeys(prisma, issuer, operator)) }
    },
    async lookupAudienceOwner({ host, audiences, callers }) {
      return (await findAudienceOwner(lookUpPool, { domains: listParentDomains(host), audiences, callers })) ?? {}
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

function toOperationalKey({ kid, jwk, label, roles, nbf, exp, webauthn, person = '' }: OperationalKey) {
  const times = { nbf: BigInt(nbf), exp: BigInt(exp) }
  return { kid, jwk: JSON.stringify(jwk), label, roles: [...roles], ...times, ...(webauthn && { webauthn }), person }
}
