import { randomUUID } from 'node:crypto'
import { type DescMethod, fromJson, type JsonObject, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { expect } from 'vitest'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { type AssertionEdits, bearer, type Signer } from '../../support/assertions.ts'
import { isDetail } from '../../support/documents/detail-style.ts'
import { restForm, shortName } from './contract.ts'
import { type GrpcAnswer, grpcPath } from './grpc.ts'
import { type HttpAnswer, type HttpRequest, sendHttp } from './http.ts'
import { published, publishedTexts } from './published-reasons.ts'
import type { OperatorName } from './seed.ts'
import type { World } from './world.ts'

/** The transports over which the tests send every case. */
export type Transport = 'rest' | 'grpc'

/** A method and a reason that a test provokes from it. */
export interface Pair {
  readonly method: DescMethod
  readonly reason: ReasonCode
}

/** A request that the server refuses, with the expected reason. */
export interface RefusalCase extends Pair {
  readonly name: string
  /** Returns the request in protobuf JSON with the names of the proto files. Prepares the server for it as well. */
  readonly request: (world: World) => JsonObject | Promise<JsonObject>
  /** The signer of the assertion. If absent, the request has no assertion. */
  readonly caller?: OperatorName | 'admin' | undefined
  /** Returns the mistakes in the assertion. `rpc` is the call that a good assertion names. */
  readonly edits?: (world: World, rpc: string) => AssertionEdits
  /** Returns the whole Authorization header, in place of an assertion. */
  readonly authorization?: (world: World, rpc: string) => string
  /** The only transport that can carry the request. */
  readonly only?: Transport
  /** Changes the REST request before it is sent. */
  readonly http?: (request: HttpRequest) => HttpRequest
  /** Additional headers of the REST request and metadata of the gRPC call. */
  readonly headers?: Readonly<Record<string, string>>
  /** The bytes of the gRPC message, in place of the request. */
  readonly bytes?: Uint8Array
  /** Whether the refusal is in the audit. The default is true if the caller was authenticated, and otherwise false. */
  readonly audited?: boolean
}

/** Reasons that the server answers before it authenticates the caller. Such a refusal is not in the caller's audit. */
const UNATTRIBUTED: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'UNAUTHENTICATED',
  'INVALID_ASSERTION',
  'ASSERTION_EXPIRED',
  'OPERATOR_NOT_ACTIVE',
])

/** Returns the title of a case over one transport. */
export function titleOf({ method, reason, name }: RefusalCase, transport: Transport): string {
  return `${shortName(method)} answers ${reason} over ${transport}: ${name}`
}

/** Returns the transports of a case. */
export function transportsOf({ only }: RefusalCase): readonly Transport[] {
  return only === undefined ? ['rest', 'grpc'] : [only]
}

/** Sends the request of a case. Expects its status and reason, and that only the audit of this refusal has changed. */
export async function expectRefusal(world: World, refusal: RefusalCase, transport: Transport): Promise<void> {
  const { reason, caller } = refusal
  const request = await refusal.request(world)
  const requestId = randomUUID()
  const before = await world.snapshot(requestId)
  const answer = await sendCase(world, refusal, transport, { request, requestId })
  answer.expectReason(reason)
  const isAudited = refusal.audited ?? (caller !== undefined && !UNATTRIBUTED.has(reason))
  const after = await world.snapshot(requestId)
  expect(after.audit).toEqual(isAudited ? [{ outcome: 'refused', reason }] : [])
  expect(after.tables).toEqual(before.tables)
}

/** The answer over either transport. */
export interface CaseAnswer {
  readonly reason: unknown
  /** Expects that every part of the answer is a refusal for this reason. */
  readonly expectReason: (reason: ReasonCode) => void
  /** Expects that the answer is not a refusal. */
  readonly expectAnswered: () => void
}

/** Sends the request of a case. */
export async function sendCase(
  world: World,
  refusal: RefusalCase,
  transport: Transport,
  { request, requestId }: { readonly request: JsonObject; readonly requestId: string },
): Promise<CaseAnswer> {
  const { method } = refusal
  if (transport === 'rest') {
    const plain = restRequest(method, request)
    const sent = refusal.http?.(plain) ?? plain
    const authorization = authorizationOf(world, refusal, `${sent.verb} ${sent.path.replace(/\?.*/, '')}`)
    const headers = { ...sent.headers, ...refusal.headers, ...authorization, 'x-request-id': requestId }
    const answer = await sendHttp(world.server.baseUrl, { ...sent, headers })
    const { reason }: { reason?: unknown } = JSON.parse(answer.text)
    return {
      reason,
      expectReason: (wanted) => expectProblem(answer, wanted, requestId),
      expectAnswered: () => expect(answer.status, answer.text).toBeLessThan(300),
    }
  }
  const message = refusal.bytes ?? toBinary(method.input, fromJson(method.input, request))
  const authorization = authorizationOf(world, refusal, grpcPath(method).slice(1))
  const metadata = { ...refusal.headers, ...authorization, 'x-request-id': requestId }
  const answer = await world.grpc.call(grpcPath(method), message, metadata)
  return {
    reason: answer.reason,
    expectReason: (wanted) => expectStatus(answer, wanted, requestId),
    expectAnswered: () => expect(answer.code, answer.details).toBe(status.OK),
  }
}

function expectStatus(answer: GrpcAnswer, reason: ReasonCode, requestId: string): void {
  expect(answer).toMatchObject({ code: published[reason][1], reason, domain: 'auth4agent', requestId })
  expect(answer.details).not.toMatch(LEAK)
  expect(answer.details).toSatisfy(isDetail)
}

/** Matches texts that no answer may contain: code, paths and SQL statements. */
const LEAK = /node_modules|\.ts\b|\bat \w+ \(|prisma|SELECT |INSERT |postgres/i

/** Expects a problem document (RFC 9457) with this reason. */
export function expectProblem({ status, headers, text }: HttpAnswer, reason: ReasonCode, requestId?: string): void {
  const problem = JSON.parse(text) as Record<string, unknown>
  expect({ status, reason: problem['reason'] }).toEqual({ status: published[reason][0], reason })
  expect(headers['content-type']).toBe('application/problem+json')
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  expect(problem).toEqual({
    type: `urn:auth4agent:reason:${reason}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    reason,
    error: publishedTexts[reason] ?? problem['detail'],
    // If the headers are too large, the server has not read the caller's id.
    request_id: reason === 'HEADERS_TOO_LARGE' ? headers['x-request-id'] : (requestId ?? headers['x-request-id']),
  })
  expect(text).not.toMatch(LEAK)
  expect(problem['detail']).toSatisfy(isDetail)
  if (status === 401) expect(headers['www-authenticate']).toMatch(/^Bearer realm="auth4agent"/)
  if (status === 429 || status === 503) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/)
}

/** Builds a REST request with percent-encoded path fields. */
export function restRequest(method: DescMethod, request: JsonObject): HttpRequest {
  const { verb, template, pathFields, body } = restForm(method)
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textOf(request[name])))
  const rest = Object.fromEntries(Object.entries(request).filter(([name]) => !pathFields.includes(name)))
  if (body === '') {
    const query = Object.entries(rest).map(([name, value]) => `${name}=${encodeURIComponent(textOf(value))}`)
    return { verb, path: query.length === 0 ? path : `${path}?${query.join('&')}` }
  }
  const json = JSON.stringify(body === '*' ? rest : (rest[body] ?? null))
  return { verb, path, headers: { 'content-type': 'application/json' }, body: json }
}

/** Returns a value as a path or a query contains it. */
function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

function authorizationOf(world: World, { caller, edits, authorization }: RefusalCase, rpc: string) {
  if (authorization !== undefined) return { authorization: authorization(world, rpc) }
  if (caller === undefined) return {}
  const signer = caller === 'admin' ? world.admin : world.operators[caller]
  return { authorization: assertionOf(signer, rpc, edits?.(world, rpc)) }
}

/** Returns an Authorization header with a good assertion for a call, or with an edited one. */
export function assertionOf(signer: Signer, rpc: string, edits: AssertionEdits = {}): string {
  const iat = Math.floor(Date.now() / 1000)
  return bearer(signer, { ...edits, claims: { iat, exp: iat + 60, rpc, ...edits.claims } })
}
