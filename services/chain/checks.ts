import { MAX_DEPTH } from '@auth4agent/core/delegation/grant-types'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import type { Message } from '@bufbuild/protobuf'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { recordRefusal } from '../ledger/ledger.ts'
import type { AgentPrincipal, OperatorPrincipal } from '../ledger/principal.ts'
import type { StorageClaim } from '../ledger/storage-bound.ts'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { reasons } from '../platform/errors/reasons.ts'
import type { LimitedBy, Limiter, LimitName, Rates } from '../platform/limits/limits.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import type { Logger } from '../platform/log/log.ts'
import type { AuthenticateDeps } from './authenticate.ts'
import { type Authority, refuseFrozen, requireRole, withRootAuthority } from './authority.ts'
import type { Call, Principal } from './call.ts'
import type { CallerKind, Policy } from './policy.ts'
import { authenticateCall } from './request-signature/authenticate-signature.ts'
import type { Line, Meta } from './rpc.ts'
import { refuseUnknownFields } from './unknown-fields.ts'
import { refuseUnstorableText } from './unstorable-text.ts'

/** Dependencies of the checks before a handler. */
export interface CheckDeps extends AuthenticateDeps {
  readonly issuer: string
  readonly prisma: PrismaClient
  readonly log: Logger
  readonly limiter: Limiter
  readonly rates: Rates
  /** Returns Unix milliseconds. */
  readonly now: () => number
  readonly skewS: number
  /** How many bytes the changes of one operator may store in a day. */
  readonly operatorBytesPerDay: number
  /** Returns whether a refusal of this caller gets a record in the audit. */
  readonly mayRecordRefusal: (caller: string) => boolean
}

type Fields = Readonly<Record<string, unknown>>

/** A request that was read and whose caller is identified. The policy has not been applied yet. */
export interface Received {
  readonly request: Message
  readonly call: Call
  /** The error for every call of this principal, if the principal may make no calls. */
  readonly refusal: ApiError | undefined
  /** What the call of an operator is based on; undefined for other callers. */
  readonly authority: Authority | undefined
}

/**
 * Counts a request, reads it and identifies its caller. Errors of this function are not audited, because the caller is
 * not known yet.
 */
export async function receive(deps: CheckDeps, line: Line, read: () => Message, meta: Meta): Promise<Received> {
  const { method, policy } = line
  limit(deps, policy.limit, 'source', sourceKey(meta.source))
  const request = read()
  if (policy.toleratesUnknownFields !== true) refuseUnknownFields(method.input, request)
  refuseUnstorableText(method.input, request)
  const fields = fieldsOf(request)
  const group = groupOf(policy, fields)
  if (group !== policy.limit) limit(deps, group, 'source', sourceKey(meta.source))
  chargeGrants(deps, policy, fields, sourceKey(meta.source))
  const { principal, refusal, authority } = await authenticateCall(deps, meta, policy, fields, {
    ...clockOf(deps),
    rpc: meta.rpc,
    mustNameRpc: policy.action !== undefined || policy.takesEvents === true,
    body: meta.body,
    isBodySecret: policy.secretField !== undefined && isPresent(fields[policy.secretField]),
  })
  const { requestId, dpop } = meta
  const storage = { bytesPerDay: deps.operatorBytesPerDay, claim: storageClaim(policy) }
  return { request, call: { requestId, principal, storage, ...(dpop && { dpop }) }, refusal, authority }
}

function storageClaim({ worksWhileFrozen, freesStorage, endsTokens }: Policy<Fields>): StorageClaim {
  if (worksWhileFrozen === true || freesStorage === true) return 'always'
  return endsTokens === true ? 'reserve' : 'usual'
}

/**
 * Checks that the caller may reach the handler: limits, refusal of the principal, policy, agreement of root keys.
 * Returns the call for the handler. Throws ApiError.
 */
export function admitCaller(deps: CheckDeps, { policy }: Line, received: Received, meta: Meta): Call {
  const { call, refusal, authority } = received
  const { principal } = call
  const fields = fieldsOf(received.request)
  const caller = subjectOf(principal)
  if (caller !== undefined) limit(deps, groupOf(policy, fields), 'subject', caller)
  if (refusal !== undefined) throw refusal
  // authenticateToken has applied the policy to an access token.
  if (principal.kind === 'agent') return call
  authorize(policy, principal, fields)
  if (principal.kind !== 'operator') {
    limitNamed(deps, policy, fields, sourceKey(meta.source))
    return call
  }
  if (authority === undefined) throw new Error('The call of an operator is based on no key')
  requireRole(policy, authority)
  refuseFrozen(policy, authority)
  return { ...call, principal: withRootAuthority(principal, policy, authority, meta.approvals, clockOf(deps)) }
}

function clockOf({ issuer, now, skewS }: CheckDeps) {
  return { issuer, nowS: Math.floor(now() / 1000), skewS }
}

/** Throws RATE_LIMITED when a key has made too many calls of a group. */
export function limit({ limiter, rates }: CheckDeps, group: LimitName, by: LimitedBy, key: string): void {
  const retryAfter = limiter(group, by, key, rates[group][by])
  if (retryAfter > 0) throw new ApiError('RATE_LIMITED', undefined, { retryAfter })
}

/**
 * Counts the grants of a chain after the first, which the call itself stands for. It refuses no call but later ones.
 */
function chargeGrants({ limiter, rates }: CheckDeps, policy: Policy<Fields>, request: Fields, source: string): void {
  const text = policy.chainField === undefined ? policy.chainIn?.(request) : request[policy.chainField]
  const grants = typeof text === 'string' ? text.split('~', MAX_DEPTH + 1).length : 1
  const rate = { ...rates[policy.limit].source, burst: Number.POSITIVE_INFINITY }
  if (grants > 1) limiter(policy.limit, 'source', source, rate, grants - 1)
}

/** Converts an error to an ApiError, and audits it when it is the refusal of a known caller. */
export async function auditRefusal(
  deps: CheckDeps,
  line: Line,
  received: Received,
  thrown: unknown,
): Promise<ApiError> {
  const error = toApiError(thrown)
  const { principal } = received.call
  if (principal.kind === 'anonymous' || !isAudited(error)) return error
  const caller = isForOperator(principal) ? principal.operatorId : principal.kind
  if (deps.mayRecordRefusal(caller)) await record(deps, line, received, error)
  return error
}

/** Returns the fields of a message of any type. */
export function fieldsOf(request: Message): Fields {
  return request as object as Fields
}

/**
 * Denies by default. Refuses callers of a kind that the policy does not name, and operators whose request names
 * another operator.
 */
function authorize(policy: Policy<Fields>, principal: Exclude<Principal, AgentPrincipal>, request: Fields): void {
  const callers: readonly CallerKind[] = policy.callers
  const own = policy.own ?? ''
  if (principal.kind === 'anonymous') {
    if (!callers.includes('anyone')) throw new ApiError('UNAUTHENTICATED')
    return
  }
  if (!callers.includes(principal.kind)) {
    const who = principal.kind === 'admin' ? 'The administrator' : 'An operator'
    throw new ApiError('PERMISSION_DENIED', `${who} may not call this method`)
  }
  if (principal.kind === 'operator' && own !== 'none' && request[own] !== principal.operatorId) {
    throw new ApiError('PERMISSION_DENIED', 'The assertion belongs to another operator than the request')
  }
}

/**
 * Limits callers that are not operators by the object that the request names, together with the source. Without the
 * source, a stranger could use up the calls of the object's owner.
 */
function limitNamed(deps: CheckDeps, policy: Policy<Fields>, request: Fields, source: string): void {
  const { limitBy, limitByIssuerOf } = policy
  const given = limitBy === undefined ? undefined : request[limitBy]
  const named = given === '' && limitByIssuerOf !== undefined ? issuerOf(request[limitByIssuerOf]) : given
  if (typeof named === 'string' && named !== '')
    limit(deps, groupOf(policy, request), 'subject', `${source} ${named.slice(0, MAX_SUBJECT)}`)
}

/** Returns the strictest group of limits that a call counts against. */
function groupOf({ limit: usual, limitWithout: without }: Policy<Fields>, request: Fields): LimitName {
  return without === undefined || request[without.field] !== undefined ? usual : without.limit
}

/** Returns `iss` of a JWT. Its signature is not verified yet, but no call with another `iss` than its own succeeds. */
function issuerOf(jwt: unknown): unknown {
  const payload = typeof jwt === 'string' ? jwt.split('.', 2)[1] : undefined
  const json = payload === undefined ? undefined : parseStrictJson(Buffer.from(payload, 'base64url'))
  return json?.ok === true ? json.value.iss : undefined
}

/** Fields by which requests name their subject, the most specific first. */
const SUBJECT_FIELDS = ['agent', 'did', 'jti', 'kid', 'operatorId', 'id', 'streamId']
const MAX_SUBJECT = 512
/** The form of a thumbprint (RFC 7638). Any other text in `kid` may be a private key, so it is not recorded. */
const THUMBPRINT = /^[\w-]{43}$/

/**
 * Returns whether an error is audited. Faults of the server are not audited, because they are no refusals.
 * RATE_LIMITED is not audited, because a rate limit must not cause a write for each refused call.
 */
function isAudited({ reason }: ApiError): boolean {
  return reasons[reason].status < 500 && reason !== 'RATE_LIMITED'
}

async function record(deps: CheckDeps, { method, policy }: Line, { request, call }: Received, error: ApiError) {
  const fields = fieldsOf(request)
  const subject = SUBJECT_FIELDS.filter((name) => name !== 'kid' || THUMBPRINT.test(String(fields[name])))
    .map((name) => fields[name])
    .find(isGiven)
  const entry = {
    action: policy.action ?? (`${method.parent.name}/${method.name}` as const),
    subject: (subject ?? '').slice(0, MAX_SUBJECT),
    reason: error.reason,
    ...(isForOperator(call.principal) && { operatorId: call.principal.operatorId }),
  }
  try {
    await recordRefusal(deps.prisma, call, entry)
  } catch (cause) {
    deps.log.error({ requestId: call.requestId, error: cause }, 'a refusal could not be audited')
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== ''
}

/** Returns the key of the limits of a caller. No agent can use up the calls that its operator signs. */
function subjectOf(principal: Principal): string | undefined {
  if (principal.kind === 'operator') return principal.operatorId
  return principal.kind === 'agent' ? principal.did : undefined
}

/** Returns whether a principal makes its calls for an operator. */
export function isForOperator(principal: Principal): principal is OperatorPrincipal | AgentPrincipal {
  return principal.kind === 'operator' || principal.kind === 'agent'
}

function isGiven(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
