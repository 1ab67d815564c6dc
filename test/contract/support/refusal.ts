import { createHash, randomUUID } from 'node:crypto'
import {
  type DescMethod,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { expect, inject } from 'vitest'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { type AssertionEdits, bearer, type Signer } from '../../support/assertions.ts'
import { problemsOf } from '../../support/openapi/documented.ts'
import { isFederation, isForm, shortName } from './contract.ts'
import {
  expectFederationError,
  expectOAuthError,
  expectProblem,
  expectResolutionError,
  expectStatus,
} from './expect-error.ts'
import { grpcPath } from './grpc.ts'
import { type HttpRequest, sendHttp } from './http.ts'
import { restRequest } from './rest-request.ts'
import type { OperatorName } from './seed.ts'
import type { World } from './world.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether a case is sent over all its transports, or over one of them. */
    transports: 'all' | 'one'
  }
}

/** The transports of the server. */
const TRANSPORTS = ['rest', 'grpc', 'connect', 'grpc-web'] as const
/** Those of which a test decides every byte. */
const PLAIN = ['rest', 'grpc'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** The request that a DPoP proof is for. */
export interface ProofTarget {
  readonly method: string
  readonly url: string
}

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
  /** Returns the header or the metadata with the DPoP proof. A list is sent as several headers. */
  readonly proof?: (world: World, target: ProofTarget) => string | readonly string[]
  /** The transports of the request. By default, these are all for a call with one answer. */
  readonly over?: readonly Transport[]
  /** Whether the assertion contains the digest of the body. It always does for calls that need one. */
  readonly coversBody?: boolean
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
  'BODY_DIGEST_MISMATCH',
  'INVALID_REQUEST_SIGNATURE',
  'OPERATOR_NOT_ACTIVE',
])

/** Methods whose assertions must cover the body. */
const NEED_DIGEST: ReadonlySet<DescMethod> = new Set<DescMethod>([
  OperatorKeyService.method.setOperatorKeys,
  TrustService.method.putTrustStatement,
])

/** Returns the title of a case over one transport. */
export function titleOf({ method, reason, name }: RefusalCase, transport: Transport): string {
  return `${shortName(method)} answers ${reason} over ${transport}: ${name}`
}

/**
 * Returns the transports over which this run sends a case: all that it has, or one of them. The name of the case
 * chooses the one, so the cases of a method are spread over its transports.
 */
export function transportsOf(refusal: RefusalCase): readonly Transport[] {
  const { name, over } = refusal
  if (inject('transports') === 'all') return over ?? (isForConnect(refusal) ? TRANSPORTS : PLAIN)
  const all = over ?? PLAIN
  const [first = 0] = createHash('sha256').update(name).digest()
  return all.slice(first % all.length).slice(0, 1)
}

/**
 * Returns whether a case can be sent by a client of Connect. Such a client reads no answer to headers that are too
 * large, and decides itself about the bytes of a body, so no assertion can cover it.
 */
function isForConnect({ method, reason, coversBody }: RefusalCase): boolean {
  return isUnary(method) && reason !== 'HEADERS_TOO_LARGE' && !(coversBody ?? NEED_DIGEST.has(method))
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

/** The members of an answer. */
export type Answered = Readonly<Record<string, unknown>>

/** The answer over any transport. */
export interface CaseAnswer {
  readonly reason: unknown
  /** The nonce for the next DPoP proof. */
  readonly dpopNonce: string | undefined
  /** Expects that every part of the answer is a refusal for this reason. */
  readonly expectReason: (reason: ReasonCode) => void
  /** Expects that the answer is not a refusal. Returns it with the names of the proto files. */
  readonly expectAnswered: () => Answered
}

/** A request that was built, and its id. */
interface Sent {
  readonly request: JsonObject
  readonly requestId: string
}

/** Sends the request of a case. */
export async function sendCase(
  world: World,
  refusal: RefusalCase,
  transport: Transport,
  sent: Sent,
): Promise<CaseAnswer> {
  return transport === 'rest' ? sendRest(world, refusal, sent) : sendRpc(world, refusal, transport, sent)
}

async function sendRest(world: World, refusal: RefusalCase, { request, requestId }: Sent): Promise<CaseAnswer> {
  const { method } = refusal
  const plain = restRequest(method, request)
  const sent = refusal.http?.(plain) ?? plain
  const path = sent.path.replace(/\?.*/, '')
  const target = { rpc: `${sent.verb} ${path}`, method: sent.verb, path, body: Buffer.from(sent.body ?? '') }
  const { authorization, ...others } = headersOf(world, refusal, target)
  const headers = { ...sent.headers, ...others, ...(authorization && { authorization }), 'x-request-id': requestId }
  const answer = await sendHttp(world.server.baseUrl, { ...sent, headers })
  const mediaType = String(answer.headers['content-type'])
  const isJson = /json$|^application\/did-resolution$/.test(mediaType)
  // An answer of OpenID Federation may be a JWT alone, and some answers have no body.
  const json = isJson ? JSON.parse(answer.text) : { jwt: answer.text }
  const { reason }: { reason?: unknown } = json
  return {
    reason,
    dpopNonce: answer.headers['dpop-nonce']?.toString(),
    expectReason: (wanted) => {
      // If the headers are too large, the server has not read the path.
      if (isFederation(method) && wanted !== 'HEADERS_TOO_LARGE') expectFederationError(answer, wanted, requestId)
      else if (method === IdentityService.method.resolveDid) expectResolutionError(answer, wanted, requestId)
      else if (!isForm(method) || wanted === 'HEADERS_TOO_LARGE') expectProblem(answer, wanted, requestId)
      else expectOAuthError(answer, wanted, { path, requestId, authorization })
    },
    expectAnswered: () => {
      expect(answer.status, answer.text).toBeLessThan(300)
      const body = isJson ? json : answer.text
      expect(problemsOf(method, { status: answer.status, mediaType, body })).toEqual([])
      return json
    },
  }
}

async function sendRpc(
  world: World,
  refusal: RefusalCase,
  transport: Exclude<Transport, 'rest'>,
  { request, requestId }: Sent,
): Promise<CaseAnswer> {
  const { method, bytes } = refusal
  const path = grpcPath(method)
  const body = bytes ?? toBinary(method.input, fromJson(method.input, request))
  const { authorization, ...others } = headersOf(world, refusal, { rpc: path.slice(1), method: 'POST', path, body })
  const headers = { ...others, ...(authorization && { authorization }), 'x-request-id': requestId }
  const answer =
    transport === 'grpc'
      ? await world.grpc.call(path, body, headers)
      : await world.connect[transport](unary(method), request, headers)
  return {
    reason: answer.reason,
    dpopNonce: answer.dpopNonce,
    expectReason: (wanted) => expectStatus(answer, wanted, requestId),
    expectAnswered: () => {
      expect(answer.code, answer.details).toBe(status.OK)
      const message = fromBinary(method.output, answer.message ?? new Uint8Array())
      return toJson(method.output, message, { useProtoFieldName: true }) as Answered
    },
  }
}

function unary(method: DescMethod): DescMethodUnary {
  if (!isUnary(method)) throw new Error(`${method.toString()} answers a stream`)
  return method
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary'
}

/** A call: the name of it in an assertion, its method and path on the wire, and its body. */
interface Target {
  readonly rpc: string
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
}

/** Returns the headers or the metadata of a case. */
function headersOf(world: World, refusal: RefusalCase, target: Target) {
  const { method, path } = target
  const dpop = refusal.proof?.(world, { method, url: world.issuer + path })
  return {
    ...refusal.headers,
    ...(dpop !== undefined && { dpop }),
    authorization: authorizationOf(world, refusal, target),
  }
}

function authorizationOf(world: World, refusal: RefusalCase, { rpc, body }: Target): string | undefined {
  const { method, caller, edits, authorization, coversBody } = refusal
  if (authorization !== undefined) return authorization(world, rpc)
  if (caller === undefined) return undefined
  const signer = caller === 'admin' ? world.admin : world.operators[caller]
  const { claims, ...rest } = edits?.(world, rpc) ?? {}
  const isCovered = coversBody ?? NEED_DIGEST.has(method)
  const digest = isCovered ? { body: createHash('sha256').update(body).digest('base64url') } : {}
  return assertionOf(signer, rpc, { ...rest, claims: { ...digest, ...claims } })
}

/** Returns an Authorization header with a good assertion for a call, or with an edited one. */
export function assertionOf(signer: Signer, rpc: string, edits: AssertionEdits = {}): string {
  const iat = Math.floor(Date.now() / 1000)
  return bearer(signer, { ...edits, claims: { iat, exp: iat + 60, rpc, ...edits.claims } })
}
