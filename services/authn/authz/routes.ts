import type { Authorization } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { AuthnDeps } from '../config.ts'
import { type VerifyTokenDeps, verifyToken } from '../verify-token.ts'
import { createAllow } from './allow.ts'
import { type CheckDeps, checkRequest, createDemands } from './check.ts'

/** Creates the handlers of Envoy's Authorization service. */
export function authorizationRoutes(
  deps: VerifyTokenDeps & Pick<AuthnDeps, 'onCheck'>,
): Handlers<typeof Authorization> {
  const check: CheckDeps = {
    demandsOf: createDemands(deps.issuer),
    verify: (request) => verifyToken(deps, request),
    allow: createAllow(),
    onCheck: deps.onCheck,
  }
  return { check: (request) => checkRequest(check, request) }
}
