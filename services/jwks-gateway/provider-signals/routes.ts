import type { IncomingHttpHeaders } from 'node:http'
import { create } from '@bufbuild/protobuf'
import {
  ProviderSignalService,
  ReceiveLogoutRequestSchema,
  ReceiveSecurityEventRequestSchema,
} from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import type { Answer, Exchange, Route } from '../../http-port/exchange.ts'
import { readBody } from '../../http-port/read-body.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type GatewayContext, underIssuer } from '../gateway-context.ts'
import { callForPage, readFormFields } from '../pages/people/page-call.ts'

const { receiveSecurityEvent, receiveLogout } = ProviderSignalService.method
const LIMIT = 16 * 1024
const SET_TYPE = /^\s*application\/secevent\+jwt\s*(?:;|$)/i

/** Makes the routes to which identity providers send their signals. Their contracts are those of others. */
export function providerSignalRoutes(context: GatewayContext): readonly Route[] {
  const routesTo = (place: string, handle: Receive): Route[] =>
    underIssuer(context, `/people/providers/{provider}/${place}`).map((path) => ({
      verb: 'POST',
      path,
      handle: async (exchange, { provider = '' }) =>
        handle(exchange, provider, await readBody(exchange.request, LIMIT)),
    }))
  return [
    ...routesTo('events', async (exchange, providerId, body) => {
      const read = () => {
        refuseOtherTypes(exchange.request.headers)
        return create(ReceiveSecurityEventRequestSchema, { providerId, set: body.toString('latin1') })
      }
      await callForPage(context, exchange, receiveSecurityEvent, read, body)
      return { status: 202, body: '' }
    }),
    ...routesTo('logout', async (exchange, providerId, body) => {
      const read = () => {
        const fields = readFormFields(exchange.request.headers['content-type'] ?? '', body)
        return create(ReceiveLogoutRequestSchema, { providerId, logoutToken: fields.get('logout_token') ?? '' })
      }
      await callForPage(context, exchange, receiveLogout, read, body)
      return { status: 200, body: '' }
    }),
  ]
}

/** Passes on what a provider has sent, and answers it. */
type Receive = (exchange: Exchange, providerId: string, body: Buffer) => Promise<Answer>

function refuseOtherTypes(headers: IncomingHttpHeaders): void {
  const coding = headers['content-encoding']
  if (SET_TYPE.test(headers['content-type'] ?? '') && (coding === undefined || coding === 'identity')) return
  const detail = 'The body must be a SET without a content coding: send Content-Type: application/secevent+jwt'
  throw new ApiError('UNSUPPORTED_MEDIA_TYPE', detail)
}
