import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isUserSubject } from '@auth4agent/core/identity/user-subject'
import { parseAudiences } from '@auth4agent/core/token/audience'
import { parseScopeList } from '@auth4agent/core/token/scope'
import type { IssuerSubject } from '../../../../../gen/prisma/client.ts'
import type { PutIssuerSubjectRequest } from '../../../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { ApiError } from '../../../../platform/errors/api-error.ts'
import { checkText } from '../../../../platform/requests/check-text.ts'

/**
 * A rule about a subject of an identity provider as the administrator describes it, checked. `subject` is the user of
 * this deployment.
 */
export type NewSubject = Pick<IssuerSubject, 'tenant' | 'sub' | 'operatorId' | 'subject' | 'audiences' | 'scopes'>

/** Longest subject of an ID token (OpenID Connect Core section 2). Tenants are as long. */
export const MAX_SUB = 255

/**
 * Checks what the administrator says about a subject of an identity provider.
 *
 * @param issuer the issuer of this deployment
 * @throws ApiError INVALID_AUDIENCE, INVALID_SCOPE, INVALID_ARGUMENT
 */
export function readNewSubject(request: PutIssuerSubjectRequest, issuer: string): NewSubject {
  const { user, operatorId, audience, scope } = request
  const sub = checkText('sub', request.sub, MAX_SUB)
  if (sub === '') throw invalid('sub must not be empty')
  if (!isUserSubject(user)) {
    throw invalid('user must be a kind and a name such as user:alice, of at most 200 characters, and no DID')
  }
  if (!isUuid(operatorId)) throw invalid('operator_id must be a UUID in lower case')
  const audiences = parseAudiences(audience)
  if (audiences === undefined || audiences.length === 0) {
    throw new ApiError('INVALID_AUDIENCE', 'audience must be 1 to 8 audiences, absolute URLs or hosts')
  }
  if (audiences.some(({ text }) => text === issuer)) {
    throw new ApiError('INVALID_AUDIENCE', 'audience must not be the issuer: no user acts there by an agent')
  }
  const scopes = parseScopeList(scope)
  if (scopes === undefined || scopes.length === 0) {
    throw new ApiError('INVALID_SCOPE', 'scope must be 1 to 64 scope-tokens, each of at most 128 characters, without *')
  }
  return {
    tenant: checkText('tenant', request.tenant, MAX_SUB),
    sub,
    operatorId,
    subject: user,
    audiences: audiences.map(({ text }) => text),
    scopes,
  }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
