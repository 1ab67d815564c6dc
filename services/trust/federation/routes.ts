import type { FederationService } from '../../../gen/proto/auth4agent/v1/federation_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { createDocuments, type FederationOptions } from './documents.ts'
import { authorityId } from './domain/build-statements.ts'
import { isEntityId } from './domain/entity-id.ts'

const LEAF_TYPE = 'oauth_authorization_server'
const MAX_VALUES = 16

/** Creates the handlers of FederationService. The only subordinate of our authority is our issuer. */
export function federationRoutes(options: FederationOptions): Handlers<typeof FederationService> {
  const { issuer } = options
  const documents = createDocuments(options)
  const authority = authorityId(issuer)
  const demandEntity = () => {
    if (isEntityId(issuer)) return
    throw new ApiError('ENTITY_NOT_FOUND', 'This deployment is in no federation, because its issuer is not https')
  }
  return {
    async getEntityConfiguration() {
      demandEntity()
      return { statement: await documents.issuerConfiguration() }
    },
    async getAuthorityConfiguration() {
      demandEntity()
      return { statement: await documents.authorityConfiguration() }
    },
    async fetchSubordinateStatement({ sub }) {
      demandEntity()
      if (sub === authority) throw invalid('sub must be a subordinate, not the authority itself')
      checkSubject(sub, issuer)
      return { statement: await documents.subordinateStatement() }
    },
    async listSubordinates({ entityType }) {
      demandEntity()
      checkCount('entity_type', entityType)
      // An entity is listed only while its statement can be fetched.
      await documents.subordinateStatement()
      const isListed = entityType.length === 0 || entityType.includes(LEAF_TYPE)
      return { entityIds: isListed ? [issuer] : [] }
    },
    async resolveEntity({ sub, trustAnchor, entityType }) {
      demandEntity()
      checkCount('trust_anchor', trustAnchor)
      checkCount('entity_type', entityType)
      if (trustAnchor.length === 0 || !trustAnchor.every(isEntityId)) {
        throw invalid('trust_anchor must be at least one entity identifier: an https URL without query and fragment')
      }
      if (!trustAnchor.includes(authority)) {
        throw new ApiError('TRUST_ANCHOR_NOT_FOUND', `The trust_anchor must be ${authority}`)
      }
      checkSubject(sub, issuer)
      return { response: await documents.resolveResponse(entityType) }
    },
    async listHistoricalKeys() {
      demandEntity()
      return { keySet: await documents.historicalKeys() }
    },
  }
}

function checkSubject(sub: string, issuer: string): void {
  if (!isEntityId(sub)) throw invalid('sub must be an entity identifier: an https URL without query and fragment')
  if (sub !== issuer) throw new ApiError('ENTITY_NOT_FOUND', `The only subordinate is ${issuer}`)
}

function checkCount(field: string, values: readonly string[]): void {
  if (values.length > MAX_VALUES) throw invalid(`${field} must occur at most ${MAX_VALUES} times`)
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
