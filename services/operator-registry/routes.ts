import { operatorId } from '@auth4agent/core/identity/operator-id'
import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { AuditLog, SignedRequest } from '../../gen/prisma/client.ts'
import type { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { checkPublicKey } from '../platform/requests/check-public-key.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { confirmDomain } from './confirm.ts'
import type { Context } from './context.ts'
import { explainFreeze } from './domain/explain-proof.ts'
import { parseAuditQuery } from './domain/parse-audit-query.ts'
import { isTestDomain, parseDomain } from './domain/parse-domain.ts'
import type { OperatorPolicy } from './domain/parse-policy.ts'
import { etagOf } from './domain/policy-etag.ts'
import type { UserAccess } from './domain/user-access.ts'
import { findAuditRecord, listAudit } from './store/audit.ts'
import { getOperator } from './store/operators.ts'
import { getPolicy, setPolicy } from './store/policy.ts'
import { type Registration, registerOperator } from './store/register.ts'
import { endAllTokens, reinstateOperator, releaseOperator, suspendOperator } from './store/standing.ts'

type Routes = Handlers<typeof OperatorRegistryService>

/** Creates the handlers of OperatorRegistryService. */
export function createRoutes(context: Context): Routes {
  return { ...proofRoutes(context), ...standingRoutes(context), ...ownRoutes(context) }
}

type ProofRoutes = Pick<Routes, 'registerOperator' | 'getOperator' | 'getDomainVerification' | 'confirmDomain'>

function proofRoutes(context: Context): ProofRoutes {
  return {
    async registerOperator(request, call) {
      const { id, domain, status } = await registerOperator(context, call, parseRegistration(context, request))
      return { id, domain, status }
    },
    async getOperator(request) {
      const operator = await getOperator(context.reads, request.id)
      const { id, domain, status, domainVerifiedAt, createdAt, rootKeyThumbprint, frozenAt } = operator
      return {
        id,
        domain,
        status,
        ...(domainVerifiedAt === null ? {} : { domainVerifiedAt: timestampFromDate(domainVerifiedAt) }),
        createdAt: timestampFromDate(createdAt),
        rootKeyThumbprint,
        ...(frozenAt === null ? {} : { frozenAt: timestampFromDate(frozenAt) }),
      }
    },
    async getDomainVerification(request) {
      const { id, domain, rootKeyThumbprint, frozenAt } = await getOperator(context.reads, request.id)
      const txtRecordName = recordName(domain)
      const txtRecordValue = recordValue({ issuer: context.issuer, operatorId: id, thumbprint: rootKeyThumbprint })
      const publish = `Publish a TXT record at ${txtRecordName} with the text "${txtRecordValue}". Then confirm the domain.`
      const isTest = context.testDomains && isTestDomain(domain)
      const message = isTest
        ? `${domain} is a test domain of this local server. Confirm it; no DNS record is needed.`
        : `${frozenAt === null ? '' : `${explainFreeze(domain)} `}${publish}`
      return { domain, txtRecordName, txtRecordValue, message }
    },
    async confirmDomain(request, call) {
      const answer = await confirmDomain(context, call, request.id)
      const { verified, message } = answer
      if (answer.verified) return { verified, message, verifiedAt: timestampFromDate(answer.at) }
      const { reason, takeoverAt } = answer
      return { verified, message, reason, ...(takeoverAt && { takeoverAt: timestampFromDate(takeoverAt) }) }
    },
  }
}

type StandingRoutes = Pick<Routes, 'releaseDomain' | 'endAllTokens' | 'suspendOperator' | 'reinstateOperator'>

function standingRoutes(context: Context): StandingRoutes {
  return {
    async releaseDomain({ id, reason }, call) {
      const at = await releaseOperator(context, call, id, checkReason(reason))
      return { id, status: 'released', releasedAt: timestampFromDate(at) }
    },
    async endAllTokens({ id, reason }, call) {
      const endedAt = timestampFromDate(new Date(context.now()))
      const { epoch } = await endAllTokens(context, call, id, checkReason(reason))
      return { id, epoch, endedAt }
    },
    async suspendOperator({ id, reason }, call) {
      const at = await suspendOperator(context, call, id, checkReason(reason))
      return { id, status: 'suspended', suspendedAt: timestampFromDate(at) }
    },
    async reinstateOperator({ id }, call) {
      const { status, at } = await reinstateOperator(context, call, id)
      return { id, status, reinstatedAt: timestampFromDate(at) }
    },
  }
}

/** The policy that a request without a policy sets. */
const EMPTY_POLICY: OperatorPolicy = {
  audiences: [],
  requireBoundChallenges: false,
  requireBodyDigest: false,
  hideAllowedScopes: false,
  delegateTo: [],
  maxGrantTtl: 0,
  usersTo: [],
}

type OwnRoutes = Pick<Routes, 'getOperatorPolicy' | 'setOperatorPolicy' | 'listAuditRecords' | 'getAuditRecord'>

function ownRoutes(context: Context): OwnRoutes {
  return {
    async getOperatorPolicy({ id }) {
      return { policy: toProto(await getPolicy(context.reads, id)) }
    },
    async setOperatorPolicy({ id, policy }, call) {
      return { policy: toProto(await setPolicy(context, call, id, policy ?? { ...EMPTY_POLICY, etag: '' })) }
    },
    async listAuditRecords(request) {
      const { id } = await getOperator(context.reads, request.id)
      const { records, nextPageToken } = await listAudit(context.reads, id, parseAuditQuery(request))
      return { records: records.map(toRecord), nextPageToken }
    },
    async getAuditRecord({ id, recordId }) {
      const { record, signedRequest } = await findAuditRecord(context.reads, id, recordId)
      return { record: toRecord(record), ...(signedRequest && { signedRequest: toSignedRequest(signedRequest) }) }
    },
  }
}

function parseRegistration(
  { issuer, testDomains }: Context,
  request: { readonly domain: string; readonly rootPublicKey: Uint8Array },
): Registration {
  const domain = parseDomain(request.domain, { testDomains })
  const rootPublicKey = checkPublicKey('root_public_key', request.rootPublicKey)
  const rootKeyThumbprint = thumbprint(rootPublicKey)
  const id = operatorId({ issuer, domain, thumbprint: rootKeyThumbprint })
  return { id, domain, rootPublicKey, rootKeyThumbprint }
}

function toProto({ audiences, delegateTo, usersTo, ...flags }: OperatorPolicy) {
  const etag = etagOf({ audiences, delegateTo, usersTo, ...flags })
  const rules = audiences.map(({ users, ...rule }) => ({
    ...rule,
    callers: [...rule.callers],
    ...(users && { users: toUserAccess(users) }),
  }))
  return { audiences: rules, delegateTo: [...delegateTo], usersTo: [...usersTo], ...flags, etag }
}

function toUserAccess({ domains, scopes, ...rest }: UserAccess) {
  return { domains: [...domains], scopes: scopes.map((scope) => ({ ...scope, groups: [...scope.groups] })), ...rest }
}

function toRecord({ at, operatorId: _operatorId, signedRequestId: _signedRequestId, ...record }: AuditLog) {
  return { ...record, at: timestampFromDate(at) }
}

function toSignedRequest({ rpc, signatures, body, bodyDigest }: SignedRequest) {
  return { rpc, signatures, body: body ?? new Uint8Array(), bodyDigest }
}
