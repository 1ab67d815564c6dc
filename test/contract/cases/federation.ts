import type { JsonObject } from '@bufbuild/protobuf'
import { FederationService } from '../../../gen/proto/auth4agent/v1/federation_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { ISSUER } from '../../support/deployment.ts'
import type { RefusalCase } from '../support/refusal.ts'

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
