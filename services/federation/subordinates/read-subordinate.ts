import type { PutSubordinateRequest } from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { readEntityId, readKeys, readObject } from '../anchors/read-anchor.ts'
import { authorityId, buildSubordinateStatement, type Subordinate } from '../domain/build-statements.ts'

/** A subordinate as the administrator describes it, checked. */
export interface NewSubordinate {
  readonly entityId: string
  /** JSON text with only the public members of usable keys. */
  readonly jwks: string
  readonly kids: readonly string[]
  readonly entityTypes: string[]
  /** JSON text; empty for none. */
  readonly metadataPolicy: string
  readonly constraints: string
}

const MAX_TYPES = 8
const TYPE = /^[a-z0-9_.:-]{1,64}$/i
const LEAF_TYPE = 'oauth_authorization_server'

/**
 * Checks what the administrator says about a subordinate. What verifiers would refuse is refused here.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readSubordinate(request: PutSubordinateRequest, issuer: string): NewSubordinate {
  const entityId = readEntityId(request.entityId)
  if (entityId === issuer || entityId === authorityId(issuer)) {
    throw invalid('entity_id must not be an entity of this deployment')
  }
  const { jwks, keys } = readKeys(request.jwks)
  const entityTypes = request.entityTypes.length === 0 ? [LEAF_TYPE] : [...new Set(request.entityTypes)]
  if (entityTypes.length > MAX_TYPES || !entityTypes.every((type) => TYPE.test(type))) {
    throw invalid(`entity_types must be at most ${MAX_TYPES} names with at most 64 letters, digits and _.:-`)
  }
  const { metadataPolicy, constraints } = request
  const subordinate = toSubordinate({ entityId, jwks: JSON.stringify(jwks), metadataPolicy, constraints })
  const built = buildSubordinateStatement(subordinate, { issuer, nowS: 0, lifetimeS: 1 })
  if (!built.ok) throw invalid(`${built.rule}: ${built.text}`)
  const { metadata_policy: policy, constraints: limits } = built.claims
  return {
    entityId,
    jwks: JSON.stringify(jwks),
    kids: [...keys.keys()],
    entityTypes,
    metadataPolicy: policy === undefined ? '' : JSON.stringify(policy),
    constraints: limits === undefined ? '' : JSON.stringify(limits),
  }
}

/**
 * Returns what buildSubordinateStatement needs of a row.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function toSubordinate({
  entityId,
  jwks,
  metadataPolicy,
  constraints,
}: Pick<NewSubordinate, 'entityId' | 'jwks' | 'metadataPolicy' | 'constraints'>): Subordinate {
  const [policy, limits] = [readObject('metadata_policy', metadataPolicy), readObject('constraints', constraints)]
  return {
    entityId,
    jwks: readKeys(jwks).jwks,
    ...(policy !== undefined && { metadataPolicy: policy }),
    ...(limits !== undefined && { constraints: limits }),
  }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
