import type { IncomingHttpHeaders } from 'node:http'
import { create } from '@bufbuild/protobuf'
import {
  ProviderSignalService,
  ReceiveSecurityEventRequestSchema,
} from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import type { Route } from '../../http-port/exchange.ts'
import { readBody } from '../../http-port/read-body.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type GatewayContext, underIssuer } from '../gateway-context.ts'
import { callForPage } from '../pages/people/page-call.ts'

const { receiveSecurityEvent } = ProviderSignalService.method
const LIMIT = 16 * 1024
const SET_TYPE = /^\s*application\/secevent\+jwt\s*(?:;|$)/i

/** Makes the routes to which identity providers send their signals. Their contracts are those of others. */
export function providerSignalRoutes(context: GatewayContext): readonly Route[] {
  return underIssuer(context, '/people/providers/{provider}/events').map((path) => ({
    verb: 'POST',
    path,
    async handle(exchange, { provider: providerId = '' }) {
      const body = await readBody(exchange.request, LIMIT)
      const read = () => {
        refuseOtherTypes(exchange.request.headers)
        return create(ReceiveSecurityEventRequestSchema, { providerId, set: body.toString('latin1') })
      }
      await callForPage(context, exchange, receiveSecurityEvent, read, body)
      return { status: 202, body: '' }
    },
  }))
}

function refuseOtherTypes(headers: IncomingHttpHeaders): void {
  const coding = headers['content-encoding']
  if (SET_TYPE.test(headers['content-type'] ?? '') && (coding === undefined || coding === 'identity')) return
  const detail = 'The body must be a SET without a content coding: send Content-Type: application/secevent+jwt'
  throw new ApiError('UNSUPPORTED_MEDIA_TYPE', detail)
}
