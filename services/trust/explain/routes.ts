import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'

/** Creates the handlers for questions about the graph. */
export function explainRoutes(
  _deps: TrustDeps,
): Pick<Handlers<typeof TrustService>, 'explainTrust' | 'exportTrustGraph'> {
  const todo = async () => {
    throw new ApiError('INTERNAL', 'to be written')
  }
  return { explainTrust: todo, exportTrustGraph: todo }
}
