import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { VerifyTokenRequest } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { AttributeContext_HttpRequestSchema } from '../../../gen/proto/envoy/service/auth/v3/attribute_context_pb.ts'
import { CheckRequestSchema } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { createAllow } from '../../../services/authn/authz/allow.ts'
import { type CheckDeps, checkRequest, createDemands } from '../../../services/authn/authz/check.ts'
import { GOOD_CLAIMS } from '../access-tokens.ts'

/** The audience of the route. */
export const AUDIENCE = 'https://b.example'
/** Context extensions of a route. */
export const ROUTE = { audience: AUDIENCE, scope: 'read' }
/** Claims of a valid token. */
export const CLAIMS = { ...GOOD_CLAIMS, epoch: [1, 2] as const }
/** Headers of a good request. */
const HEADERS = { authorization: 'Bearer a.b.c', 'user-agent': 'curl' }

/** The HTTP part of a check request. */
export type Http = MessageInitShape<typeof AttributeContext_HttpRequestSchema>
/** Stands for the verification of the token. */
export type Verify = CheckDeps['verify']

const good: Http = {
  method: 'GET',
  path: '/orders?page=1',
  host: 'b.example',
  scheme: 'https',
  protocol: 'HTTP/1.1',
  headers: HEADERS,
}
/** Finds every token valid. */
export const valid: Verify = async () => ({ valid: true, claims: CLAIMS })

/** One for all checks, as in a server, so that an answer about one route cannot be given for another one. */
const allow = createAllow()

/** Asks about a good request with changes, and returns what the client and the API get. */
export async function askCheck(http: Partial<Http>, route: Record<string, string> = ROUTE, verify: Verify = valid) {
  const seen: VerifyTokenRequest[] = []
  const outcomes: string[] = []
  const deps: CheckDeps = {
    demandsOf: createDemands('https://auth.example'),
    allow,
    onCheck: (outcome, fault) => outcomes.push(fault === undefined ? outcome : `${outcome} ${fault.reason}`),
    verify(request) {
      seen.push(request)
      return verify(request)
    },
  }
  const request = create(CheckRequestSchema, {
    attributes: { contextExtensions: route, request: { http: { ...good, ...http } as Http } },
  })
  const { status, httpResponse, dynamicMetadata } = await checkRequest(deps, request)
  const { case: kind, value } = httpResponse
  const headers = Object.fromEntries(value?.headers.map(({ header }) => [header?.key, header?.value]) ?? [])
  return {
    isAllowed: kind === 'okResponse' && status?.code === 0,
    isDenied: kind === 'deniedResponse' && status?.code !== 0 && status !== undefined,
    status: kind === 'deniedResponse' ? httpResponse.value.status?.code : undefined,
    reason: headers['x-auth4agent-reason'],
    headers,
    actions: new Set(value?.headers.map(({ appendAction }) => appendAction)),
    removed: kind === 'okResponse' ? httpResponse.value.headersToRemove : [],
    metadata: dynamicMetadata,
    seen,
    outcomes,
  }
}

/** Bytes of a raw header. */
export const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
/** The headers of a request in the form that newer Envoys may use. */
export const raw = (...headers: [string, string][]): Partial<Http> => ({
  headers: {},
  headerMap: { headers: headers.map(([key, value]) => ({ key, rawValue: bytes(value) })) },
})
/** A good request with more headers. */
export const withHeaders = (headers: Record<string, string>): Partial<Http> => ({ headers: { ...HEADERS, ...headers } })
