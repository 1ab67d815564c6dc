import type { JsonObject } from '@bufbuild/protobuf'
import { FederationAdminService } from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { FederationService } from '../../../gen/proto/auth4agent/v1/federation_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { ISSUER } from '../../support/deployment.ts'
import { shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { validRequests } from './valid-requests.ts'

type Edits = (world: World) => JsonObject

const { putTrustAnchor, discoverIssuer, putSubordinate } = FederationAdminService.method
const { fetchSubordinateStatement, resolveEntity } = FederationService.method
const AUTHORITY = `${ISSUER}/federation`
const STRANGER = 'https://idp.bravo-operator.com'

const refused =
  (method: RefusalCase['method']) =>
  (name: string, reason: ReasonCode, request: JsonObject): RefusalCase => ({
    name,
    method,
    reason,
    request: () => request,
  })
const get = refused(fetchSubordinateStatement)
const resolve = refused(resolveEntity)

function byAdmin(
  name: string,
  method: RefusalCase['method'],
  reason: ReasonCode,
  edits: Edits = () => ({}),
): RefusalCase {
  const request = (world: World) => ({ ...validRequests[shortName(method)]?.(world), ...edits(world) })
  return { name, method, reason, caller: 'admin', request }
}

/** Cases about the rules of FederationAdminService. */
export const federationAdminCases: readonly RefusalCase[] = [
  byAdmin('our own authority as anchor', putTrustAnchor, 'INVALID_ARGUMENT', () => ({ entity_id: AUTHORITY })),
  byAdmin('our own issuer as anchor', putTrustAnchor, 'INVALID_ARGUMENT', () => ({ entity_id: ISSUER })),
  byAdmin('an anchor that admits any issuer by itself', putTrustAnchor, 'INVALID_ARGUMENT', () => ({
    auto_admit: true,
    permitted_names: [],
  })),
  byAdmin('an issuer that no anchor permits', discoverIssuer, 'TRUST_CHAIN_NOT_FOUND'),
  byAdmin('an issuer that is admitted', discoverIssuer, 'ISSUER_EXISTS', ({ issuers: { enabled } }) => ({
    issuer: enabled.issuer,
  })),
  byAdmin('our own issuer', discoverIssuer, 'INVALID_ISSUER', () => ({ issuer: ISSUER })),
  byAdmin('our authority as its own subordinate', putSubordinate, 'INVALID_ARGUMENT', () => ({ entity_id: AUTHORITY })),
]

/** Cases about a deployment with as many anchors and subordinates as it may have. */
export const fullFederationCases: readonly RefusalCase[] = [
  byAdmin('a further anchor when there are 16', putTrustAnchor, 'TOO_MANY_TRUST_ANCHORS'),
  byAdmin('a further subordinate when there are 1000', putSubordinate, 'TOO_MANY_SUBORDINATES'),
]

/** Cases about the rules of FederationService. */
export const federationCases: readonly RefusalCase[] = [
  get('an entity that is no subordinate', 'ENTITY_NOT_FOUND', { sub: STRANGER }),
  get('the issuer with another spelling', 'ENTITY_NOT_FOUND', { sub: `${ISSUER}/` }),
  get('the authority itself', 'INVALID_ARGUMENT', { sub: AUTHORITY }),
  resolve('an entity that is no subordinate', 'ENTITY_NOT_FOUND', { sub: STRANGER, trust_anchor: [AUTHORITY] }),
  resolve('the authority itself', 'ENTITY_NOT_FOUND', { sub: AUTHORITY, trust_anchor: [AUTHORITY] }),
  resolve('a foreign trust anchor', 'TRUST_ANCHOR_NOT_FOUND', { sub: ISSUER, trust_anchor: [STRANGER] }),
  resolve('the issuer as its own trust anchor', 'TRUST_ANCHOR_NOT_FOUND', { sub: ISSUER, trust_anchor: [ISSUER] }),
]
