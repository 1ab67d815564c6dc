import type { DescMethod, Message } from '@bufbuild/protobuf'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { methodName } from '../../chain/method-name.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { CROSS_ORIGIN_HEADERS } from '../security-headers.ts'
import { nextPageLink, pathOf, queryOf } from '../well-known/links.ts'
import { parseBody } from './body-parser.ts'
import { eventStreamHandler } from './event-stream.ts'
import { compileFieldWriter, compileWriter, type MessageWriter } from './json-writer.ts'
import { type MediaType, negotiate } from './negotiate.ts'
import { fieldOf } from './path-template.ts'
import { compileRequestReader } from './request-reader.ts'
import type { Represented, Resource } from './resource.ts'
import type { RestBinding } from './rest-bindings.ts'

type Params = Readonly<Record<string, string>>

const JSON_TYPE: MediaType = { type: 'application', subtype: 'json' }
const JSON_CONTENT_TYPE = 'application/json'

/** Adds the routes of a binding, at the root and under the issuer's path. */
export function addRestRoute(server: FastifyInstance, context: GatewayContext, binding: RestBinding): void {
  const isStream = binding.method.methodKind === 'server_streaming'
  const handler = isStream ? eventStreamHandler(context, binding) : restHandler(context, binding)
  for (const prefix of new Set(['', context.basePath])) {
    server.route({ method: binding.verb, url: prefix + binding.path.route, handler })
  }
}

function restHandler(context: GatewayContext, binding: RestBinding) {
  const { method } = binding
  const read = compileRequestReader(binding)
  const answer = plainAnswer(context, binding)
  const resource = context.representations[methodName(method)]
  const call = (request: FastifyRequest): Promise<Message> => {
    const url = request.raw.url ?? '/'
    const message = () => read(request.params as Params, queryOf(url), parseBody(request.headers, request.body))
    return context.rpc.invoke(method, message, {
      ...context.callerOf(request.raw),
      authorization: request.headers.authorization,
      rpc: `${request.method} ${pathOf(url)}`,
    })
  }
  if (resource !== undefined) return resourceHandler(resource, call, answer)
  return async (request: FastifyRequest, reply: FastifyReply) => answer(await call(request), request, reply)
}

type Answer = (output: Message, request: FastifyRequest, reply: FastifyReply) => Buffer

/**
 * The answer in JSON: the whole message or its `response_body`, with the next page in a Link header. It is bytes, since to text
 * Fastify would add a charset, which JSON's media type has none of.
 */
function plainAnswer({ config, basePath }: GatewayContext, { method, responseBody, status }: RestBinding): Answer {
  const write: MessageWriter =
    responseBody === undefined ? compileWriter(method.output) : compileFieldWriter(responseBody)
  const pageToken = responseBody?.fieldKind === 'list' ? pageTokenOf(method) : undefined
  return (output, request, reply) => {
    reply.code(status).header('content-type', JSON_CONTENT_TYPE)
    const token = pageToken?.(output) ?? ''
    if (token !== '') reply.header('link', nextPageLink(config.baseUrl, basePath, request.raw.url ?? '/', token))
    return Buffer.from(write(output))
  }
}

function pageTokenOf({ output }: DescMethod): ((message: Message) => string) | undefined {
  if (!output.fields.some(({ name }) => name === 'next_page_token')) return undefined
  const { localName } = fieldOf(output, 'next_page_token')
  // The descriptor names the field; the type of a message of any kind cannot.
  return (message) => (message as unknown as Readonly<Record<string, string>>)[localName] ?? ''
}

/** Chooses the representation by the Accept header, for the answer and for its refusals alike. */
function resourceHandler(
  { isCrossOrigin, representations }: Resource,
  call: (request: FastifyRequest) => Promise<Message>,
  answer: Answer,
) {
  const offers = [JSON_TYPE, ...representations.map(({ mediaType }) => mediaType)]
  return async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('vary', 'Accept')
    if (isCrossOrigin) reply.headers(CROSS_ORIGIN_HEADERS)
    const chosen = representations[negotiate(request.headers.accept, offers) - 1]
    if (chosen === undefined) return answer(await call(request), request, reply)
    const { status, body } = await represented(chosen, () => call(request))
    reply.code(status).header('content-type', contentTypeText(chosen.mediaType))
    return Buffer.from(body)
  }
}

async function represented(
  { success, failure }: Resource['representations'][number],
  call: () => Promise<Message>,
): Promise<Represented> {
  try {
    return success(await call())
  } catch (error) {
    const refusal = error instanceof ApiError ? failure(error) : undefined
    if (refusal === undefined) throw error
    return refusal
  }
}

function contentTypeText({ type, subtype, profile }: MediaType): string {
  return `${type}/${subtype}${profile === undefined ? '' : `;profile="${profile}"`}`
}
