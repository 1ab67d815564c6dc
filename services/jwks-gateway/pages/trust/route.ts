import { create } from '@bufbuild/protobuf'
import {
  type GetTrustViewRequest,
  GetTrustViewRequestSchema,
  type GetTrustViewResponse,
  TrustService,
} from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { methodName } from '../../../calls/method-name.ts'
import { EMPTY_BODY } from '../../../calls/request-body.ts'
import type { Exchange, Route } from '../../../http-port/exchange.ts'
import { errorHeaders } from '../../../http-port/problem.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { reasons } from '../../../platform/errors/reasons.ts'
import { type GatewayContext, underIssuer } from '../../gateway-context.ts'
import { compileQueryReader } from '../../rest/query-reader.ts'
import { errorPage } from './error-page.ts'
import { trustPage } from './page.ts'
import { TRUST_PAGE_POLICY } from './style.ts'

const HEADERS = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': TRUST_PAGE_POLICY }

/** Makes the routes of the page that shows the trust graph, at the root and under the issuer's path. */
export function trustPageRoutes(context: GatewayContext): readonly Route[] {
  const method = TrustService.method.getTrustView
  const readQuery = compileQueryReader(method.input.fields, [])
  const handle = async ({ caller, query }: Exchange) => {
    const request: GetTrustViewRequest = create(GetTrustViewRequestSchema)
    const read = () => {
      readQuery(request, query)
      return request
    }
    const meta = { ...caller, authorization: undefined, rpc: methodName(method), body: EMPTY_BODY }
    try {
      const output = await context.rpc.invoke(method, read, meta)
      return { status: 200, headers: HEADERS, body: trustPage(request, output as GetTrustViewResponse) }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const headers = { ...errorHeaders(error), ...HEADERS }
      return { status: reasons[error.reason].status, headers, body: errorPage(error, caller.requestId) }
    }
  }
  return underIssuer(context, '/trust').map((path) => ({ verb: 'GET', path, handle }))
}
