import { isUtf8 } from 'node:buffer'
import { create, type DescMethod, type Message, type MessageShape } from '@bufbuild/protobuf'
import { GetSessionRequestSchema, SignInService } from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { methodName } from '../../../calls/method-name.ts'
import { EMPTY_BODY, requestBody } from '../../../calls/request-body.ts'
import type { Exchange } from '../../../http-port/exchange.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { GatewayContext } from '../../gateway-context.ts'

/** The fields of a form, each of which was sent once. */
export type FormFields = ReadonlyMap<string, string>

/** The largest form of a page, in bytes. */
export const FORM_LIMIT = 16 * 1024
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:;|$)/i

/**
 * Calls a method for the browser that asks for a page. The pipeline calls `read`, so that it limits, logs and counts
 * also a request that cannot be read.
 *
 * @param body the body of a form
 * @throws ApiError
 */
export async function callForPage<M extends DescMethod>(
  { rpc }: Pick<GatewayContext, 'rpc'>,
  { caller }: Exchange,
  method: M,
  read: () => MessageShape<M['input']>,
  body?: Buffer,
): Promise<MessageShape<M['output']>> {
  const sent = body === undefined ? EMPTY_BODY : requestBody(() => body)
  const meta = { ...caller, authorization: undefined, rpc: methodName(method), body: sent, isPage: true } as const
  const output: Message = await rpc.invoke(method, read, meta)
  return output as MessageShape<M['output']>
}

/** Returns the Cookie header of a browser. */
export function cookieOf({ request }: Pick<Exchange, 'request'>): string {
  return request.headers.cookie ?? ''
}

/**
 * Reads a form that a page of this server has sent. A browser says so, and no script of another site can change that
 * (Fetch standard; Fetch Metadata).
 *
 * @throws ApiError FORM_EXPIRED, UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT
 */
export function readPageForm(
  { config }: Pick<GatewayContext, 'config'>,
  { request }: Pick<Exchange, 'request'>,
  body: Buffer,
): FormFields {
  const { origin, 'sec-fetch-site': site, 'content-type': type = '' } = request.headers
  if (origin !== new URL(config.baseUrl).origin || site !== 'same-origin') {
    throw new ApiError('FORM_EXPIRED', 'The form must come from a page of this server')
  }
  return readFormFields(type, body)
}

/**
 * Reads a form, each of whose fields was sent once.
 *
 * @throws ApiError UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT
 */
export function readFormFields(type: string, body: Buffer): FormFields {
  if (!FORM_TYPE.test(type)) throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The content type must be that of a form')
  if (!isUtf8(body)) throw new ApiError('INVALID_ARGUMENT', 'The form must be UTF-8')
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body.toString())) {
    if (fields.has(name)) throw new ApiError('INVALID_ARGUMENT', 'The form must have each field once')
    fields.set(name, value)
  }
  return fields
}

/** Tells who is signed in at a browser, and makes the secret text of a form with this content. */
export function readSession(context: Pick<GatewayContext, 'rpc'>, exchange: Exchange, content: string) {
  const read = () => create(GetSessionRequestSchema, { cookie: cookieOf(exchange), content })
  return callForPage(context, exchange, SignInService.method.getSession, read)
}
