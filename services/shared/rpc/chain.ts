import { create, type DescMethod, type Message } from '@bufbuild/protobuf'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { ApiError, toApiError } from '../errors/api-error.ts'
import { reasons } from '../errors/reasons.ts'
import { recordRefusal } from '../ledger/ledger.ts'
import type { Limiter, LimitName, Rates } from '../limits/limits.ts'
import { sourceKey } from '../limits/source-key.ts'
import type { Logger } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type AuthenticateDeps, authenticate } from './authenticate.ts'
import type { Call, Principal } from './call.ts'
import type { CallerKind, Policy } from './policy.ts'
import type { Caller, Meta, Route, Rpc } from './rpc.ts'
import { refuseUnstorableText } from './unstorable-text.ts'

/** What the chain works with. */
export interface ChainDeps extends AuthenticateDeps {
  readonly issuer: string
  readonly prisma: PrismaClient
  readonly log: Logger
  readonly metrics: Metrics
  readonly limiter: Limiter
  readonly rates: Rates
  /** Calls answered at the same time; more are refused with OVERLOADED. */
  readonly maxConcurrency: number
  /** Longest a call may take, in milliseconds; a caller may ask for less. */
  readonly deadlineMs: number
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly skewS: number
}

type Fields = Readonly<Record<string, unknown>>

/** The service and the method of requests that reach none, in log and metrics. */
const NONE = 'none'

/** Puts routes behind the one chain: log, deadline, limits, authenticate, policy, handler, errors. */
export function createRpc(routes: readonly Route[], deps: ChainDeps): Rpc {
  const table = new Map(routes.map((route) => [route.method, route]))
  let inFlight = 0

  /** Holds one of the places until the work has ended, even if its caller has stopped waiting. */
  const admit = async <T>(work: () => Promise<T>): Promise<T> => {
    if (inFlight >= deps.maxConcurrency) throw new ApiError('OVERLOADED', undefined, { retryAfter: 1 })
    inFlight += 1
    deps.metrics.callStarted()
    try {
      return await work()
    } finally {
      inFlight -= 1
      deps.metrics.callEnded()
    }
  }

  return {
    services: [...new Set(routes.map(({ method }) => method.parent))],
    invoke: (method, read, meta) =>
      watch(deps, method, meta, () => {
        const route = table.get(method)
        if (route === undefined) throw new ApiError('ROUTE_NOT_FOUND')
        const ms = Math.min(deps.deadlineMs, meta.timeoutMs ?? deps.deadlineMs)
        return withDeadline(ms, () => admit(() => answer(deps, route, read, meta)))
      }),
    refuse: (error, caller) => refuse(deps, error, caller),
  }
}

async function refuse(deps: ChainDeps, error: ApiError, caller: Caller): Promise<ApiError> {
  try {
    return await watch<never>(deps, undefined, caller, () => {
      limit(deps, 'read', 'source', sourceKey(caller.source))
      throw error
    })
  } catch (refusal) {
    return toApiError(refusal)
  }
}

/** Logs and counts a request, whatever comes of it. What is thrown leaves as an ApiError. */
async function watch<T>(
  { log, metrics }: ChainDeps,
  method: DescMethod | undefined,
  { requestId, source }: Caller,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now()
  let reason = 'OK'
  try {
    return await work()
  } catch (thrown) {
    const error = toApiError(thrown)
    reason = error.reason
    if (reasons[error.reason].status >= 500 && error.reason !== 'OVERLOADED')
      log.error({ requestId, reason, error: error.cause }, error.message)
    throw error
  } finally {
    const ms = performance.now() - startedAt
    const service = method?.parent.name ?? NONE
    const name = method?.name ?? NONE
    metrics.observe(service, name, reason, ms / 1000)
    log.info({ requestId, source, rpc: `${service}/${name}`, reason, ms: Math.round(ms * 100) / 100 }, 'call')
  }
}

async function answer(deps: ChainDeps, route: Route, read: () => Message, meta: Meta): Promise<Message> {
  const { method, handler, policy } = route
  limit(deps, policy.limit, 'source', sourceKey(meta.source))
  const request = read()
  const fields = request as unknown as Fields
  refuseUnstorableText(method.input, request)
  const { principal, refusal } = await authenticate(deps, meta.authorization, policy.callers, {
    issuer: deps.issuer,
    nowS: Math.floor(deps.now() / 1000),
    skewS: deps.skewS,
    rpc: meta.rpc,
    mustNameRpc: policy.action !== undefined,
  })
  const call: Call = { requestId: meta.requestId, principal }
  try {
    if (principal.kind === 'operator') limit(deps, policy.limit, 'subject', principal.operatorId)
    if (refusal !== undefined) throw refusal
    authorize(policy, principal, fields)
    if (principal.kind !== 'operator') limitNamed(deps, policy, fields, sourceKey(meta.source))
    return create(method.output, await handler(request, call))
  } catch (thrown) {
    const error = toApiError(thrown)
    if (principal.kind !== 'anonymous' && isAudited(error)) await auditRefusal(deps, route, fields, call, error)
    throw error
  }
}

/** Deny by default: a caller of a kind that the line does not name, or another operator's object, is refused. */
function authorize(policy: Policy<Fields>, principal: Principal, request: Fields): void {
  const callers: readonly CallerKind[] = policy.callers
  const own = policy.own ?? ''
  if (principal.kind === 'anonymous') {
    if (!callers.includes('anyone')) throw new ApiError('UNAUTHENTICATED')
    return
  }
  if (!callers.includes(principal.kind)) throw new ApiError('PERMISSION_DENIED', `not for an ${principal.kind}`)
  if (principal.kind === 'operator' && own !== 'none' && request[own] !== principal.operatorId) {
    throw new ApiError('PERMISSION_DENIED', "the assertion is another operator's")
  }
}

function limit({ limiter, rates }: ChainDeps, group: LimitName, by: 'source' | 'subject', key: string): void {
  const retryAfter = limiter(group, `${by} ${key}`, rates[group][by])
  if (retryAfter > 0) throw new ApiError('RATE_LIMITED', undefined, { retryAfter })
}

/** What strangers name they count against together with their source: alone, they would use up its owner's calls. */
function limitNamed(deps: ChainDeps, policy: Policy<Fields>, request: Fields, source: string): void {
  const named = policy.limitBy === undefined ? undefined : request[policy.limitBy]
  if (typeof named === 'string') limit(deps, policy.limit, 'subject', `${source} ${named.slice(0, MAX_SUBJECT)}`)
}

/** Fields by which requests name what they are about, the most telling first. */
const SUBJECT_FIELDS = ['agent', 'did', 'jti', 'operatorId', 'id']
const MAX_SUBJECT = 512

/** Faults are the server's own; and a limit whose every refusal wrote to the database would be none. */
function isAudited({ reason }: ApiError): boolean {
  return reasons[reason].status < 500 && reason !== 'RATE_LIMITED'
}

async function auditRefusal(deps: ChainDeps, { method, policy }: Route, request: Fields, call: Call, error: ApiError) {
  const subject = SUBJECT_FIELDS.map((name) => request[name]).find(isGiven)
  const entry = {
    action: policy.action ?? `${method.parent.name}/${method.name}`,
    subject: (subject ?? '').slice(0, MAX_SUBJECT),
    reason: error.reason,
    ...(call.principal.kind === 'operator' && { operatorId: call.principal.operatorId }),
  }
  try {
    await recordRefusal(deps.prisma, call, entry)
  } catch (cause) {
    deps.log.error({ requestId: call.requestId, error: cause }, 'a refusal could not be audited')
  }
}

function isGiven(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

async function withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
  if (ms <= 0) throw new ApiError('DEADLINE_EXCEEDED')
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(new ApiError('DEADLINE_EXCEEDED')), ms)
  try {
    return await Promise.race([work(), deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
