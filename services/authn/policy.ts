import type { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { DelegationService } from '../../gen/proto/auth4agent/v1/delegation_pb.ts'
import type { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Authorization, CheckRequest } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { costOfChain } from '../calls/cost.ts'
import type { Policies } from '../calls/policy.ts'
import { sentHeadersOf } from './authz/sent-headers.ts'

/** Who may call each method of AuthnService. An agent authenticates with a signature, which the handler checks. */
export const authnPolicies: Policies<typeof AuthnService> = {
  createChallenge: { callers: ['anyone'], limit: 'challenge', limitBy: 'did' },
  issueToken: { callers: ['anyone'], limit: 'token', limitBy: 'did' },
  // As challenges: answering costs a signature and no row.
  createPasskeyNonce: { callers: ['anyone'], limit: 'challenge' },
  verifyToken: { callers: ['anyone'], limit: 'verify', cost: ({ token }) => costOfChain(token) },
}

/**
 * Who may call each method of DelegationService. An agent authenticates with a signature, which the handler checks.
 */
export const grantPolicies: Policies<typeof DelegationService> = {
  issueGrant: { callers: ['anyone'], limit: 'token', limitBy: 'did' },
  getHolderStatement: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
}

/**
 * Who may call the method of Envoy's Authorization service. The token in the request is not the caller's: a proxy
 * calls, and it is as anonymous as other verifiers.
 */
export const authorizationPolicies: Policies<typeof Authorization> = {
  check: {
    callers: ['anyone'],
    limit: 'verify',
    cost: (request) => costOfChain(tokenOf(request)),
    toleratesUnknownFields: true,
  },
}

/** Returns the header that may contain a chain of grants. */
function tokenOf({ attributes }: CheckRequest): string {
  const http = attributes?.request?.http
  const sent = http && sentHeadersOf(http)
  return sent instanceof Map ? (sent.get('authorization') ?? '') : ''
}

/** A client may leave client_id out, because its assertion names it too. */
const BY_CLIENT = { limitBy: 'clientId', limitByIssuerOf: 'clientAssertion' } as const

/**
 * Who may call each method of OAuthService. An agent authenticates with a client assertion, which the handler checks.
 */
export const oauthPolicies: Policies<typeof OAuthService> = {
  token: { callers: ['anyone'], limit: 'token', ...BY_CLIENT, cost: ({ subjectToken }) => costOfChain(subjectToken) },
  authorizeDevice: { callers: ['anyone'], limit: 'device', ...BY_CLIENT },
  introspect: { callers: ['anyone'], limit: 'introspect', ...BY_CLIENT, cost: ({ token }) => costOfChain(token) },
  revoke: {
    callers: ['anyone'],
    limit: 'urgent',
    ...BY_CLIENT,
    action: 'token.revoke',
    endsTokens: true,
    urgent: true,
  },
}
