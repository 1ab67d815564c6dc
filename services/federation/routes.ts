import type { FederationService } from '../../gen/proto/auth4agent/v1/federation_pb.ts'
import type { Handlers } from '../calls/call.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { readChainOf } from './chains/chain-store.ts'
import { verifyStored } from './chains/known-chain.ts'
import { createDocuments, type FederationDocuments, type FederationOptions, type ResolvedChain } from './documents.ts'
import { authorityId } from './domain/build-statements.ts'
import { isEntityId } from './domain/entity-id.ts'
import { toSubordinate } from './subordinates/read-subordinate.ts'
import { listSubordinates } from './subordinates/subordinate-store.ts'

const LEAF_TYPE = 'oauth_authorization_server'
const MAX_VALUES = 16

/** Options of federationRoutes. */
export interface FederationRoutesOptions extends FederationOptions {
  readonly db: Db
}

/** Creates the handlers of FederationService. None of them fetches anything. */
export function federationRoutes(options: FederationRoutesOptions): Handlers<typeof FederationService> {
  const { issuer, db } = options
  const { prisma } = db
  const documents = createDocuments(options)
  const authority = authorityId(issuer)
  const demandEntity = () => {
    if (isEntityId(issuer)) return
    throw new ApiError('ENTITY_NOT_FOUND', 'This deployment is in no federation, because its issuer is not https')
  }
  return {
    ...ownDocuments(documents, demandEntity),
    async fetchSubordinateStatement({ sub }) {
      demandEntity()
      if (sub === authority) throw invalid('sub must be a subordinate, not the authority itself')
      checkSubject(sub)
      if (sub === issuer) return { statement: await documents.subordinateStatement() }
      const row = await prisma.subordinate.findUnique({ where: { entityId: sub } })
      if (row === null) throw new ApiError('ENTITY_NOT_FOUND')
      return { statement: await documents.statementAbout(toSubordinate(row)) }
    },
    async listSubordinates({ entityType }) {
      demandEntity()
      checkCount('entity_type', entityType)
      // An entity is listed only while its statement can be fetched.
      await documents.subordinateStatement()
      const isWanted = (types: readonly string[]) =>
        entityType.length === 0 || types.some((type) => entityType.includes(type))
      const others = (await listSubordinates(prisma)).filter(({ entityTypes }) => isWanted(entityTypes))
      return { entityIds: [...(isWanted([LEAF_TYPE]) ? [issuer] : []), ...others.map(({ entityId }) => entityId)] }
    },
    async resolveEntity({ sub, trustAnchor, entityType }) {
      demandEntity()
      checkCount('trust_anchor', trustAnchor)
      checkCount('entity_type', entityType)
      if (trustAnchor.length === 0 || !trustAnchor.every(isEntityId)) {
        throw invalid('trust_anchor must be at least one entity identifier: an https URL without query and fragment')
      }
      checkSubject(sub)
      if (trustAnchor.includes(authority) && sub === issuer) {
        return { response: await documents.resolveResponse(entityType) }
      }
      const known = await prisma.trustAnchor.count({ where: { entityId: { in: trustAnchor } } })
      if (known === 0 && !trustAnchor.includes(authority)) {
        throw new ApiError(
          'TRUST_ANCHOR_NOT_FOUND',
          `trust_anchor must be ${authority} or an anchor of this deployment`,
        )
      }
      const resolved = await knownChain(db, sub, trustAnchor, options.now())
      return { response: await documents.resolvedResponse(resolved, entityType) }
    },
  }
}

type OwnDocuments = 'getEntityConfiguration' | 'getAuthorityConfiguration' | 'getSignedKeySet' | 'listHistoricalKeys'

function ownDocuments(
  documents: FederationDocuments,
  demandEntity: () => void,
): Pick<Handlers<typeof FederationService>, OwnDocuments> {
  return {
    async getEntityConfiguration() {
      demandEntity()
      return { statement: await documents.issuerConfiguration() }
    },
    async getAuthorityConfiguration() {
      demandEntity()
      return { statement: await documents.authorityConfiguration() }
    },
    async getSignedKeySet() {
      demandEntity()
      return { keySet: await documents.signedKeySet() }
    },
    async listHistoricalKeys() {
      demandEntity()
      return { keySet: await documents.historicalKeys() }
    },
  }
}

/** A stranger's question is answered from stored chains only, so it never makes this server fetch anything. */
async function knownChain(
  { prisma }: Db,
  sub: string,
  anchors: readonly string[],
  now: number,
): Promise<ResolvedChain> {
  const row = await readChainOf(prisma, sub)
  const result = row !== null && anchors.includes(row.anchorId) ? verifyStored(row, now) : undefined
  if (row === null || result?.ok !== true)
    throw new ApiError('ENTITY_NOT_FOUND', 'No chain of this entity is known here')
  return { id: row.id, chain: result.chain, statements: row.statements, expiresAt: row.expiresAt.getTime() }
}

function checkSubject(sub: string): void {
  if (!isEntityId(sub)) throw invalid('sub must be an entity identifier: an https URL without query and fragment')
}

function checkCount(field: string, values: readonly string[]): void {
  if (values.length > MAX_VALUES) throw invalid(`${field} must occur at most ${MAX_VALUES} times`)
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
