import { create, type DescMethod, type Message } from '@bufbuild/protobuf'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { ApiError, toApiError } from '../errors/api-error.ts'
import { reasons } from '../errors/reasons.ts'
import { recordRefusal } from '../ledger/ledger.ts'
import type { Limiter, Rates } from '../limits/limits.ts'
import { sourceKey } from '../limits/source-key.ts'
import type { Logger } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type AuthenticateDeps, authenticate } from './authenticate.ts'
import type { Call, Principal } from './call.ts'
import type { Policy } from './policy.ts'
import type { Meta, Route, Rpc } from './rpc.ts'
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

  const invoke = async (method: DescMethod, request: Message, meta: Meta): Promise<Message> => {
    const route = table.get(method)
    if (route === undefined) throw new ApiError('ROUTE_NOT_FOUND')
    const startedAt = performance.now()
    let reason = 'OK'
    try {
      const ms = Math.min(deps.deadlineMs, meta.timeoutMs ?? deps.deadlineMs)
      return await withDeadline(ms, () => admit(() => answer(deps, route, request, meta)))
    } catch (thrown) {
      const error = toApiError(thrown)
      reason = error.reason
      if (reasons[error.reason].status >= 500 && error.reason !== 'OVERLOADED')
        deps.log.error({ requestId: meta.requestId, reason, error: error.cause }, error.message)
      throw error
    } finally {
      const seconds = (performance.now() - startedAt) / 1000
      deps.metrics.observe(method.parent.name, method.name, reason, seconds)
      logCall(deps.log, method, meta, reason, seconds)
    }
  }
  return { services: [...new Set(routes.map(({ method }) => method.parent))], invoke }
}

async function answer(deps: ChainDeps, route: Route, request: Message, meta: Meta): Promise<Message> {
  const { method, handler, policy } = route
  const fields = request as unknown as Fields
  limit(deps, policy, 'source', sourceKey(meta.source))
  refuseUnstorableText(method.input, request)
  const principal = await authenticate(deps, meta.authorization, policy.callers, {
    issuer: deps.issuer,
    nowS: Math.floor(deps.now() / 1000),
    skewS: deps.skewS,
    rpc: meta.rpc,
    mustNameRpc: policy.action !== undefined,
  })
  const call: Call = { requestId: meta.requestId, source: meta.source, principal }
  try {
    if (principal.kind === 'operator') limit(deps, policy, 'subject', principal.operatorId)
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
function authorize({ callers, own }: Policy<Fields>, principal: Principal, request: Fields): void {
  if (principal.kind === 'anonymous') {
    if (!callers.includes('anyone')) throw new ApiError('UNAUTHENTICATED')
    return
  }
  if (!callers.includes(principal.kind)) throw new ApiError('PERMISSION_DENIED', `not for an ${principal.kind}`)
  if (principal.kind === 'operator' && own !== undefined && request[own] !== principal.operatorId) {
    throw new ApiError('PERMISSION_DENIED', "the assertion is another operator's")
  }
}

function limit({ limiter, rates }: ChainDeps, policy: Policy<Fields>, by: 'source' | 'subject', key: string): void {
  const retryAfter = limiter(policy.limit, `${by} ${key}`, rates[policy.limit][by])
  if (retryAfter > 0) throw new ApiError('RATE_LIMITED', undefined, { retryAfter })
}

/** What strangers name they count against together with their source: alone, they would use up its owner's calls. */
function limitNamed(deps: ChainDeps, policy: Policy<Fields>, request: Fields, source: string): void {
  const named = policy.limitBy === undefined ? undefined : request[policy.limitBy]
  if (typeof named === 'string') limit(deps, policy, 'subject', `${source} ${named.slice(0, MAX_SUBJECT)}`)
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

function logCall(log: Logger, method: DescMethod, meta: Meta, reason: string, seconds: number): void {
  const fields = { requestId: meta.requestId, source: meta.source, rpc: `${method.parent.name}/${method.name}` }
  log.info({ ...fields, reason, ms: Math.round(seconds * 1e5) / 100 }, 'call')
}
