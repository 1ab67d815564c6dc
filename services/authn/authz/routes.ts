import type { Authorization } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import { type VerifyTokenDeps, verifyToken } from '../verify-token.ts'
import { checkRequest, createDemands } from './check.ts'

/** Creates the handlers of Envoy's Authorization service. */
export function authorizationRoutes(deps: VerifyTokenDeps): Handlers<typeof Authorization> {
  const check = {
    demandsOf: createDemands(deps.issuer),
    verify: (request: Parameters<typeof verifyToken>[1]) => verifyToken(deps, request),
  }
  return { check: (request) => checkRequest(check, request) }
}
