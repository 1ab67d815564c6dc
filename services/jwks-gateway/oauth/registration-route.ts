import { create } from '@bufbuild/protobuf'
import {
  ClientRegistrationService,
  RegisterClientRequestSchema,
} from '../../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import type { Route } from '../../http-port/exchange.ts'
import { readBody } from '../../http-port/read-body.ts'
import { type GatewayContext, underIssuer } from '../gateway-context.ts'
import { callForPage } from '../pages/people/page-call.ts'
import { compileWriter } from '../rest/json-writer.ts'
import { demandJson } from '../rest/parse-body.ts'

const { registerClient } = ClientRegistrationService.method
const LIMIT = 16 * 1024
const HEADERS = { 'content-type': 'application/json', pragma: 'no-cache' }

/** Makes the route at which clients register themselves (RFC 7591 section 3). */
export function registrationRoutes(context: GatewayContext): readonly Route[] {
  const write = compileWriter(registerClient.output)
  const handle: Route['handle'] = async (exchange) => {
    const body = await readBody(exchange.request, LIMIT)
    const read = () => {
      demandJson(exchange.request.headers)
      return create(RegisterClientRequestSchema, { metadata: body })
    }
    const answer = await callForPage(context, exchange, registerClient, read, body)
    return { status: 201, headers: HEADERS, body: write(answer) }
  }
  return underIssuer(context, '/oauth/register').map((path) => ({ verb: 'POST', path, handle }))
}
