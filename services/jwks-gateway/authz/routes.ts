import type { IncomingMessage } from 'node:http'
import { create } from '@bufbuild/protobuf'
import {
  AttributeContext_HttpRequestSchema,
  AttributeContext_RequestSchema,
  AttributeContextSchema,
} from '../../../gen/proto/envoy/service/auth/v3/attribute_context_pb.ts'
import {
  Authorization,
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  type OkHttpResponse,
} from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { EMPTY_BODY } from '../../calls/request-body.ts'
import { createIsTrusted } from '../../calls/source-of.ts'
import type { Answer, Exchange, Route } from '../../http-port/exchange.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type GatewayContext, underIssuer } from '../gateway-context.ts'
import { readOriginalRequest } from './original-request.ts'
import { readExtensions } from './read-extensions.ts'
import { REASON_HEADER, refused } from './refusal.ts'

const PATH = '/v1/authz'
/** Headers that only the proxy can take from a request. An empty one tells a proxy that copies headers to do so. */
const TOKEN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'dpop'])

/**
 * Makes the routes of forward auth, for proxies that ask by HTTP: the decision of Envoy's Check in another form. The
 * query has the context extensions. The answer is 204, 401, 403 or 503 without a body, and its headers are those that
 * Check sets.
 */
export function authzRoutes(context: GatewayContext): readonly Route[] {
  const isTrusted = createIsTrusted(context.config.trustedProxies)
  const handle = async (exchange: Exchange): Promise<Answer> => {
    const { request, caller, headers, path } = exchange
    const sent = readHeaders(request)
    const check = readCheck(exchange, sent, isTrusted(request.socket.remoteAddress ?? ''))
    // The token is not a proof of who calls here.
    const meta = { ...caller, authorization: undefined, rpc: `${request.method} ${path}`, body: EMPTY_BODY }
    try {
      const output = await context.rpc.invoke(Authorization.method.check, () => check, meta)
      return toAnswer(output as CheckResponse, sent)
    } catch (error) {
      if (error instanceof ApiError) headers[REASON_HEADER] = error.reason
      throw error
    }
  }
  return underIssuer(context, PATH).map((path) => ({ verb: 'GET', path, handle, readsRepeatedHeaders: true }))
}

/**
 * Reads all headers. Node drops all but the first Authorization header, so this reads the raw list. Several headers of
 * one name are joined by commas, as Envoy does.
 */
function readHeaders({ rawHeaders }: IncomingMessage): Map<string, string> {
  const sent = new Map<string, string>()
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place]?.toLowerCase() ?? ''
    const value = rawHeaders[place + 1] ?? ''
    const earlier = sent.get(name)
    sent.set(name, earlier === undefined ? value : `${earlier},${value}`)
  }
  return sent
}

function readCheck({ request, query }: Exchange, sent: Map<string, string>, isTrusted: boolean): CheckRequest {
  const http = create(AttributeContext_HttpRequestSchema, {
    ...readOriginalRequest(sent, isTrusted),
    protocol: `HTTP/${request.httpVersion}`,
    headers: Object.fromEntries(sent),
  })
  return create(CheckRequestSchema, {
    attributes: create(AttributeContextSchema, {
      request: create(AttributeContext_RequestSchema, { http }),
      contextExtensions: readExtensions(query),
    }),
  })
}

function toAnswer({ httpResponse }: CheckResponse, sent: ReadonlyMap<string, string>): Answer {
  if (httpResponse.case === 'okResponse')
    return { status: 204, headers: passHeaders(httpResponse.value, sent), body: '' }
  // An answer of another kind is none of this server.
  const denial = httpResponse.case === 'deniedResponse' ? httpResponse.value : undefined
  return { status: denial?.status?.code ?? 503, headers: Object.fromEntries(headersOf(denial)), body: '' }
}

/**
 * Returns the headers for the API. A proxy cannot be told to remove a header, so a header that the client sent must
 * not be among them, and those without a value are empty: a proxy that copies them then overwrites.
 */
function passHeaders(ok: OkHttpResponse, sent: ReadonlyMap<string, string>): Record<string, string> {
  const named = [...ok.headersToRemove.map((name) => [name, ''] as const), ...headersOf(ok)]
  if (named.some(([name]) => sent.has(name) && !TOKEN_HEADERS.has(name))) throw refused('CLIENT_HEADER_REFUSED')
  return Object.fromEntries(named)
}

function headersOf(answer: Pick<OkHttpResponse, 'headers'> | undefined): (readonly [string, string])[] {
  return (answer?.headers ?? []).flatMap(({ header }) => (header ? [[header.key, header.value] as const] : []))
}
