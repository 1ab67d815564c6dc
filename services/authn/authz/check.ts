import type { VerifyTokenRequest } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { CheckRequest, CheckResponse } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { reasons } from '../../platform/errors/reasons.ts'
import type { ForeignVerification } from '../../trust/index.ts'
import type { AuthorityVerification } from '../chains/verify-authority.ts'
import { refusalOf } from '../refuse-by-status.ts'
import type { Verification } from '../verify-token.ts'
import { allowed } from './allow.ts'
import { readCredentials, refuseUnclear } from './read-check.ts'
import { denied, type Refusal, refusal } from './refusal.ts'
import { type RouteDemands, readRouteDemands } from './route-demands.ts'
import { type SentHeaders, sentHeadersOf } from './sent-headers.ts'

/** The dependencies of checkRequest. */
export interface CheckDeps {
  /** Returns the demands of a route, from its context extensions. */
  readonly demandsOf: (extensions: Readonly<Record<string, string>>) => RouteDemands | Refusal
  /** Verifies a token as VerifyToken does. */
  readonly verify: (request: VerifyTokenRequest) => Promise<Verification | AuthorityVerification | ForeignVerification>
}

/**
 * Decides about the request that a proxy has received. The order of the checks matters to the caller alone: each of
 * them refuses.
 *
 * @throws nothing but faults of this program: a proxy may be configured to let requests pass after an error
 */
export async function checkRequest(deps: CheckDeps, { attributes }: CheckRequest): Promise<CheckResponse> {
  const demands = deps.demandsOf(attributes?.contextExtensions ?? {})
  if ('reason' in demands) return denied(demands, undefined)
  const http = attributes?.request?.http
  if (http === undefined) return denied(refusal('HTTP_REQUEST_MISSING'), demands)
  const sent = sentHeadersOf(http)
  if ('reason' in sent) return denied(sent, demands)
  const credentials = refuseUnclear(http, sent) ?? readCredentials(http, sent, demands)
  if ('reason' in credentials) return denied(credentials, demands)
  const answer = await judge(deps, { ...demands.request, ...credentials }, demands, sent)
  return 'reason' in answer ? denied(answer, demands) : answer
}

async function judge(
  { verify }: CheckDeps,
  request: VerifyTokenRequest,
  demands: RouteDemands,
  sent: SentHeaders,
): Promise<CheckResponse | Refusal> {
  try {
    const verification = await verify(request)
    if (!verification.valid) return { reason: verification.reason, ...refusalOf(verification.reason) }
    return allowed(verification, demands, sent)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const status = reasons[error.reason].status < 500 ? 403 : 503
    return { reason: error.reason, status, headers: status === 503 ? { 'retry-after': '1' } : {} }
  }
}

/** The most routes whose demands are remembered, and the longest context extensions that are. */
const MAX_ROUTES = 1_000
const MAX_REMEMBERED_LENGTH = 4_096

/** Creates a function that reads the demands of a route, and remembers those of many routes. */
export function createDemands(issuer: string): CheckDeps['demandsOf'] {
  const known = new Map<string, RouteDemands | Refusal>()
  return (extensions) => {
    const key = JSON.stringify(extensions)
    const found = known.get(key)
    if (found !== undefined) return found
    const demands = readRouteDemands(extensions, issuer)
    if (key.length > MAX_REMEMBERED_LENGTH) return demands
    if (known.size >= MAX_ROUTES) known.clear()
    known.set(key, demands)
    return demands
  }
}
