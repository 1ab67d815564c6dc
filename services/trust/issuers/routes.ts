import type { IssuerService } from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'

/** Creates the handlers of IssuerService. */
export function issuerRoutes(_deps: TrustDeps): Handlers<typeof IssuerService> {
  const todo = async () => {
    throw new ApiError('INTERNAL', 'to be written')
  }
  return { addIssuer: todo, listIssuers: todo, disableIssuer: todo, enableIssuer: todo, readmitIssuerKey: todo }
}
