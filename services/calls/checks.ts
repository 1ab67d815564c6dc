import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import type { Message } from '@bufbuild/protobuf'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type InTurn, recordRefusal } from '../ledger/ledger.ts'
import type { AgentPrincipal, OperatorPrincipal } from '../ledger/principal.ts'
import type { StorageClaim } from '../ledger/storage-bound.ts'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { reasons } from '../platform/errors/reasons.ts'
import type { LimitedBy, Limiter, LimitName, Rates } from '../platform/limits/limits.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import type { Logger } from '../platform/log/log.ts'
import { causeFields, type Span } from '../platform/trace/span.ts'
import type { TokenDeps } from './access-token.ts'
import type { AuthenticateDeps } from './authenticate.ts'
import {
  type Authority,
  type Demands,
  ROOT_OPERATION,
  refuseFrozen,
  requireRole,
  withRootAuthority,
} from './authority.ts'
import type { Call, Principal } from './call.ts'
import { type CountedKey, chargeUnits, costOfRequest } from './cost.ts'
import type { CallerKind, Policy } from './policy.ts'
import { authenticateCall } from './request-signature/authenticate-signature.ts'
import type { Line, Meta } from './rpc.ts'
import { refuseUnknownFields } from './unknown-fields.ts'
import { refuseUnstorableText } from './unstorable-text.ts'

/** Dependencies of the checks before a handler. */
export interface CheckDeps extends AuthenticateDeps, TokenDeps {
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
  /** The keys against which the call counts. */
  readonly counted: CountedKey[]
  /** The units that the request costs after the first. */
  readonly units: number
}

/**
 * Counts a request, reads it and identifies its caller. Errors of this function are not audited, because the caller is
 * not known yet.
 */
export async function receive(deps: CheckDeps, line: Line, read: () => Message, meta: Meta): Promise<Received> {
  const { method, policy } = line
  const counted: CountedKey[] = [{ by: 'source', key: sourceKey(meta.source) }]
  limit(deps, policy.limit, 'source', sourceKey(meta.source))
  const sent = costOfRequest(meta.body)
  chargeUnits(deps, policy.limit, counted, sent)
  const request = read()
  if (policy.toleratesUnknownFields !== true) refuseUnknownFields(method.input, request)
  refuseUnstorableText(method.input, request)
  const fields = fieldsOf(request)
  const group = groupOf(policy, fields)
  if (group !== policy.limit) limit(deps, group, 'source', sourceKey(meta.source))
  const asked = (policy.cost?.(fields) ?? 1) - 1
  chargeUnits(deps, policy.limit, counted, asked)
  const startedAt = performance.now()
  const { principal, refusal, authority } = await authenticateCall(deps, meta, policy, fields, {
    ...clockOf(deps),
    cause: meta,
    rpc: meta.rpc,
    mustNameRpc: policy.action !== undefined || policy.takesEvents === true,
    body: meta.body,
    isBodySecret: policy.secretField !== undefined && isPresent(fields[policy.secretField]),
  })
  if (principal.kind !== 'anonymous') noteCaller(meta.span, principal.kind, startedAt)
  const { requestId, span, dpop } = meta
  const charge = (more: number) => chargeUnits(deps, policy.limit, counted, more)
  const storage = { bytesPerDay: deps.operatorBytesPerDay, claim: storageClaim(policy) }
  const call = { requestId, span, principal, ...(dpop && { dpop }), source: sourceKey(meta.source), charge, storage }
  return { request, call, refusal, authority, counted, units: sent + asked }
}

/** Adds to a trace how long it took to identify a caller. Only now the caller's wish to record its trace counts. */
function noteCaller(span: Span | undefined, kind: Principal['kind'], startedAt: number): void {
  span?.vouch()
  if (span?.isRecorded !== true) return
  span.child('authenticate', { startedAt, attributes: { 'auth4agent.caller': kind } }).end()
}

function storageClaim({ urgent, freesStorage, endsTokens }: Policy<Fields>): StorageClaim {
  if (urgent === true || freesStorage === true) return 'always'
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
  if (caller !== undefined) limitSubject(deps, policy, received, caller)
  if (refusal !== undefined) throw refusal
  // authenticateToken has applied the policy to an access token.
  if (principal.kind === 'agent') return call
  authorize(policy, principal, fields, meta.isPage === true)
  if (principal.kind !== 'operator') {
    limitNamed(deps, policy, received, sourceKey(meta.source))
    return call
  }
  if (authority === undefined) throw new Error('The call of an operator is based on no key')
  const admit = (demands: Demands, purpose?: string) => {
    requireRole(demands, authority, purpose)
    refuseFrozen(demands, authority)
    return withRootAuthority(principal, demands, authority, meta.approvals, clockOf(deps))
  }
  return {
    ...call,
    principal: admit(policy),
    asRoot: (purpose) => admit({ ...policy, ...ROOT_OPERATION }, purpose),
    demandRole: (role, purpose) => requireRole({ role }, authority, purpose),
  }
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
 * Converts an error to an ApiError, and audits it when it is the refusal of a known caller. Returns RATE_LIMITED when
 * too many calls of the caller are waiting, because such a refusal is not audited.
 */
export async function auditRefusal(
  deps: CheckDeps,
  line: Line,
  { received, inTurn }: { readonly received: Received; readonly inTurn: InTurn },
  thrown: unknown,
): Promise<ApiError> {
  const error = toApiError(thrown)
  const { principal } = received.call
  if (principal.kind === 'anonymous' || !isAudited(error)) return error
  const caller = isForOperator(principal) ? principal.operatorId : principal.kind
  if (!deps.mayRecordRefusal(caller)) return error
  try {
    await inTurn(() => record(deps, line, received, error))
    return error
  } catch (limited) {
    return toApiError(limited)
  }
}

/** Returns the fields of a message of any type. */
export function fieldsOf(request: Message): Fields {
  return request as object as Fields
}

/**
 * Denies by default. Refuses callers of a kind that the policy does not name, and operators whose request names
 * another operator.
 */
function authorize(
  policy: Policy<Fields>,
  principal: Exclude<Principal, AgentPrincipal>,
  request: Fields,
  isPage: boolean,
): void {
  const callers: readonly CallerKind[] = policy.callers
  const own = policy.own ?? ''
  if (principal.kind === 'anonymous') {
    if (!callers.includes(isPage ? 'browser' : 'anyone')) throw new ApiError('UNAUTHENTICATED')
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
function limitNamed(deps: CheckDeps, policy: Policy<Fields>, received: Received, source: string): void {
  const { limitBy, limitByIssuerOf } = policy
  const request = fieldsOf(received.request)
  const given = limitBy === undefined ? undefined : request[limitBy]
  const named = given === '' && limitByIssuerOf !== undefined ? issuerOf(request[limitByIssuerOf]) : given
  if (typeof named === 'string' && named !== '')
    limitSubject(deps, policy, received, `${source} ${named.slice(0, MAX_SUBJECT)}`)
}

/** Counts a call of a subject with all its units, and remembers the key for units that the handler adds. */
function limitSubject(deps: CheckDeps, policy: Policy<Fields>, { request, counted, units }: Received, key: string) {
  limit(deps, groupOf(policy, fieldsOf(request)), 'subject', key)
  const subject = { by: 'subject', key } as const
  chargeUnits(deps, policy.limit, [subject], units)
  counted.push(subject)
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
    deps.log.error({ ...causeFields(call), error: cause }, 'a refusal could not be audited')
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
function isForOperator(principal: Principal): principal is OperatorPrincipal | AgentPrincipal {
  return principal.kind === 'operator' || principal.kind === 'agent'
}

function isGiven(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
