import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { TrustDeps } from '../config.ts'
import { explainTrust } from './explain-trust.ts'
import { explainRows } from './rows.ts'

/** Creates the handler for questions about trust. */
export function explainRoutes(deps: TrustDeps): Pick<Handlers<typeof TrustService>, 'explainTrust'> {
  const rows = explainRows(deps.db.pool)
  return { explainTrust: (request, call) => explainTrust({ ...deps, rows }, request, call) }
}
