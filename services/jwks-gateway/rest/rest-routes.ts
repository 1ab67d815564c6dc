import type { IncomingHttpHeaders } from 'node:http'
import { APPROVAL_HEADER } from '@auth4agent/core/identity/operator-approval'
import type { DescMethod, Message } from '@bufbuild/protobuf'
import { reflect } from '@bufbuild/protobuf/reflect'
import { sentApprovals } from '../../calls/approvals.ts'
import { methodName } from '../../calls/method-name.ts'
import { EMPTY_BODY, requestBody } from '../../calls/request-body.ts'
import { createPlaces, requestLimit } from '../../calls/request-limit.ts'
import { signableRequest } from '../../calls/request-signature/signable-request.ts'
import type { MediaType, Represented, Resource } from '../../calls/resource.ts'
import { sentProof } from '../../calls/sent-proof.ts'
import type { Answer, Exchange, Params, Route } from '../../http-port/exchange.ts'
import { readBody, takePlace } from '../../http-port/read-body.ts'
import { CROSS_ORIGIN_HEADERS } from '../../http-port/security-headers.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StatusRefusals } from '../../platform/errors/status-refusal.ts'
import { sourceKey } from '../../platform/limits/source-key.ts'
import { cacheHeaders, hasAlready } from '../cache-headers.ts'
import { type GatewayContext, publicUrl, underIssuer } from '../gateway-context.ts'
import { compileFormReader } from '../oauth/read-form.ts'
import { eventStreamHandler } from './event-stream.ts'
import { compileFieldWriter, compileWriter, type MessageWriter } from './json-writer.ts'
import { negotiate } from './negotiate.ts'
import { nextPageLink } from './next-page-link.ts'
import { parseBody } from './parse-body.ts'
import { fieldOf } from './path-template.ts'
import { PREFERENCE_APPLIED, prefersRefusal } from './refuse-by-status.ts'
import { compileRequestReader } from './request-reader.ts'
import type { RestBinding } from './rest-bindings.ts'

const JSON_TYPE: MediaType = { type: 'application', subtype: 'json' }
const JSON_CONTENT_TYPE = 'application/json'
const NO_BODY = Buffer.alloc(0)

/** Makes the routes of a binding, at the root and under the issuer's path. */
export function restRoutes(context: GatewayContext, binding: RestBinding): readonly Route[] {
  const { method, verb, path } = binding
  const isStream = method.methodKind === 'server_streaming'
  const handle = isStream ? eventStreamHandler(context, binding) : restHandler(context, binding)
  const isCrossOrigin = verb === 'GET' && context.representations[methodName(method)]?.isCrossOrigin === true
  return underIssuer(context, path.template).map((each) => ({ verb, path: each, isCrossOrigin, handle }))
}

function restHandler(context: GatewayContext, binding: RestBinding): Route['handle'] {
  const { method, verb } = binding
  const route = `${verb} ${binding.path.template}`
  const read = requestReader(binding)
  const answer = plainAnswer(context, binding)
  const resource = context.representations[methodName(method)]
  const refusalOf = context.statusRefusals[methodName(method)]
  const limit = requestLimit(method, context.config.bodyLimit)
  const places = createPlaces(method)
  const call: Call = async ({ request, response, caller, path, query }, params, prepare) => {
    const { headers } = request
    const url = publicUrl(context, path)
    if (places !== undefined) takePlace(places, sourceKey(caller.source), response)
    const body = verb === 'GET' ? NO_BODY : await readBody(request, limit)
    const readRequest = () => {
      const message = read(headers, params, query, body)
      prepare?.(message)
      return message
    }
    const meta = {
      ...caller,
      ...sentApprovals(headers[APPROVAL_HEADER]),
      ...sentProof(headers['dpop'], verb, url),
      ...signableRequest(request, url, query),
      authorization: headers.authorization,
      rpc: `${request.method} ${path}`,
      route,
      body: verb === 'GET' ? EMPTY_BODY : requestBody(() => body),
    }
    return context.rpc.invoke(method, readRequest, meta)
  }
  if (refusalOf !== undefined) return verdictHandler(refusalOf, call, answer)
  if (resource !== undefined) return resourceHandler(resource, call, answer)
  return async (exchange, params) => answer(await call(exchange, params), exchange)
}

/** Returns the function that reads the requests of a binding: from path, query and JSON, or from a form. */
function requestReader(binding: RestBinding) {
  if (binding.isForm) {
    const readForm = compileFormReader(binding.method)
    return (headers: IncomingHttpHeaders, _params: Params, query: string, body: Buffer) =>
      readForm(headers, query, body)
  }
  const read = compileRequestReader(binding)
  return (headers: IncomingHttpHeaders, params: Params, query: string, body: Buffer) =>
    read(params, query, parseBody(headers, body))
}

/**
 * Calls the method. `prepare` runs inside the pipeline, after the request was read, so that the pipeline limits, logs
 * and counts its errors.
 */
type Call = (exchange: Exchange, params: Params, prepare?: (request: Message) => void) => Promise<Message>
type ToAnswer = (output: Message, exchange: Exchange) => Answer

/**
 * Returns a function that makes the JSON answer: the whole message, or only its `response_body`. If `response_body` is
 * a list and there is a next page, the answer has a Link header.
 */
function plainAnswer({ config, basePath }: GatewayContext, binding: RestBinding): ToAnswer {
  const { method, responseBody, status, isForm, hasNoBody } = binding
  if (hasNoBody) return () => ({ status, headers: {}, body: '' })
  const write: MessageWriter =
    responseBody === undefined ? compileWriter(method.output) : compileFieldWriter(responseBody)
  const pageToken = responseBody?.fieldKind === 'list' ? pageTokenOf(method) : undefined
  // RFC 6749 section 5.1 requires it, in addition to Cache-Control.
  const cacheHeaders = isForm ? { pragma: 'no-cache' } : {}
  return (output, exchange) => {
    const token = pageToken?.(output) ?? ''
    const link = token === '' ? {} : { link: nextPageLink(config.baseUrl, basePath, exchange, token) }
    return { status, headers: { 'content-type': JSON_CONTENT_TYPE, ...link, ...cacheHeaders }, body: write(output) }
  }
}

function pageTokenOf({ output }: DescMethod): ((message: Message) => string) | undefined {
  if (!output.fields.some(({ name }) => name === 'next_page_token')) return undefined
  const field = fieldOf(output, 'next_page_token')
  return (message) => {
    const token = reflect(output, message).get(field)
    return typeof token === 'string' ? token : ''
  }
}

/** Makes a handler that answers a negative verdict with an error status if the caller prefers that (RFC 7240). */
function verdictHandler(refusalOf: StatusRefusals[string], call: Call, answer: ToAnswer): Route['handle'] {
  return async (exchange, params) => {
    let isPreferred = false
    const output = await call(exchange, params, () => {
      isPreferred = prefersRefusal(exchange.request.headers['prefer'])
    })
    const usual = answer(output, exchange)
    if (!isPreferred) return usual
    const refusal = refusalOf(output)
    const headers = { ...usual.headers, 'preference-applied': PREFERENCE_APPLIED }
    if (refusal === undefined) return { ...usual, headers }
    return { ...usual, status: refusal.status, headers: { ...headers, ...refusal.headers } }
  }
}

/** Makes a handler that chooses the representation of an answer or a refusal by the Accept header. */
function resourceHandler(resource: Resource, call: Call, answer: ToAnswer): Route['handle'] {
  const { isCrossOrigin, representations, inPlaceOfJson } = resource
  const choices = [inPlaceOfJson, ...representations]
  const offers = choices.map((choice) => choice?.mediaType ?? JSON_TYPE)
  return async (exchange, params) => {
    Object.assign(exchange.headers, { vary: 'Accept' }, isCrossOrigin ? CROSS_ORIGIN_HEADERS : {})
    const chosen = choices[negotiate(exchange.request.headers.accept, offers)]
    if (chosen === undefined) return answer(await call(exchange, params), exchange)
    const made = await represented(chosen, () => call(exchange, params, chosen.prepare))
    return representedAnswer(exchange, chosen.mediaType, made)
  }
}

function representedAnswer({ request }: Exchange, type: MediaType, { status, body, cache }: Represented): Answer {
  const headers = { 'content-type': contentTypeText(type) }
  if (cache === undefined) return { status, headers, body }
  if (hasAlready(request.headers, cache.tag)) return { status: 304, headers: cacheHeaders(cache), body: '' }
  return { status, headers: { ...headers, ...cacheHeaders(cache) }, body }
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
