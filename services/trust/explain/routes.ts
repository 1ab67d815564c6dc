import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { TrustDeps } from '../config.ts'
import { explainTrust } from './explain-trust.ts'
import { exportGraph } from './export-graph.ts'
import { explainRows } from './rows.ts'

/** Creates the handlers for questions about the graph. */
export function explainRoutes(
  deps: TrustDeps,
): Pick<Handlers<typeof TrustService>, 'explainTrust' | 'exportTrustGraph'> {
  const rows = explainRows(deps.db.pool)
  return {
    explainTrust: (request, { principal }) => explainTrust({ ...deps, rows }, request, principal),
    exportTrustGraph: (request, call) => exportGraph(deps, request, call),
  }
}
