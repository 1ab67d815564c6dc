import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { VerifyTokenRequest } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { AttributeContext_HttpRequest } from '../../../gen/proto/envoy/service/auth/v3/attribute_context_pb.ts'
import type { CheckRequest, CheckResponse } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { toApiError } from '../../platform/errors/api-error.ts'
import { reasons } from '../../platform/errors/reasons.ts'
import type { AuthorityVerification } from '../chains/verify-authority.ts'
import { refusalOf } from '../refuse-by-status.ts'
import type { Verification } from '../verify-token.ts'
import type { Allow } from './allow.ts'
import type { Verified } from './caller-facts.ts'
import type { CheckOutcome, OnCheck } from './on-check.ts'
import { readCredentials, refuseUnclear } from './read-check.ts'
import { denied, type Refusal, refusal } from './refusal.ts'
import { type RouteDemands, readRouteDemands } from './route-demands.ts'
import { sentHeadersOf } from './sent-headers.ts'

type NotValid = Extract<Verification | AuthorityVerification, { readonly valid: false }>

/** The dependencies of checkRequest. */
export interface CheckDeps {
  /** Returns the demands of a route, from its context extensions. */
  readonly demandsOf: (extensions: Readonly<Record<string, string>>) => RouteDemands | Refusal
  /** Verifies a token as VerifyToken does. */
  readonly verify: (request: VerifyTokenRequest) => Promise<Verified | Pick<NotValid, 'valid' | 'reason'>>
  readonly allow: Allow
  readonly onCheck: OnCheck
}

/** How a refused check has ended, by the status for the client. */
const OUTCOMES = { 401: 'unauthenticated', 403: 'forbidden', 503: 'undecided' } as const satisfies Readonly<
  Record<number, CheckOutcome>
>

/**
 * Decides about the request that a proxy has received. It never throws: a proxy may be configured to let requests pass
 * after an error.
 */
export async function checkRequest(deps: CheckDeps, { attributes }: CheckRequest): Promise<CheckResponse> {
  const demands = deps.demandsOf(attributes?.contextExtensions ?? {})
  const isReadable = !('reason' in demands)
  const answer = isReadable ? await decide(deps, attributes?.request?.http, demands) : demands
  if (!('reason' in answer)) {
    deps.onCheck('passed')
    return answer
  }
  deps.onCheck(OUTCOMES[answer.status], answer.fault)
  return denied(answer, isReadable ? demands : undefined)
}

async function decide(
  { verify, allow }: CheckDeps,
  http: AttributeContext_HttpRequest | undefined,
  demands: RouteDemands,
): Promise<CheckResponse | Refusal> {
  if (http === undefined) return refusal('HTTP_REQUEST_MISSING')
  const sent = sentHeadersOf(http)
  if ('reason' in sent) return sent
  const credentials = refuseUnclear(http, sent) ?? readCredentials(http, sent, demands)
  if ('reason' in credentials) return credentials
  try {
    const verification = await verify({ ...demands.request, ...credentials })
    if (!verification.valid) return { reason: verification.reason, ...refusalOf(verification.reason) }
    return allow(verification, demands, sent)
  } catch (thrown) {
    const fault = toApiError(thrown)
    const { reason } = fault
    if (reasons[reason].status < 500) return { reason, status: 403, headers: {} }
    return { reason, status: 503, headers: { 'retry-after': '1' }, fault }
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
    keepNewest(known, key, demands, MAX_ROUTES)
    return demands
  }
}
