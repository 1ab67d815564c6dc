import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import { exportGraph } from './export-graph.ts'
import { readAround } from './read-graph.ts'
import { getView } from './view/get-view.ts'
import { sealView } from './view/seal-view.ts'

/** Where the page is, under the issuer. */
const PAGE_PATH = '/trust'

type GraphDeps = Pick<TrustDeps, 'db' | 'readDb' | 'issuer' | 'graphPlaces' | 'now' | 'challengeKeys' | 'operators'>
type GraphRoutes = Pick<Handlers<typeof TrustService>, 'exportTrustGraph' | 'createTrustView' | 'getTrustView'>

/** Creates the handlers of the graph, and of the page that shows it. */
export function graphRoutes(deps: GraphDeps): GraphRoutes {
  return {
    exportTrustGraph: (request, call) => exportGraph(deps, request, call),
    async createTrustView({ around }, { principal }) {
      if (principal.kind !== 'operator' && principal.kind !== 'admin') throw new ApiError('UNAUTHENTICATED')
      readAround(around)
      const { view, expiresAt } = await sealView(deps, principal)
      const query = new URLSearchParams({ view, ...(around !== '' && { around }) })
      return { url: `${deps.issuer}${PAGE_PATH}?${query.toString()}`, expiresAt: timestampFromMs(expiresAt) }
    },
    getTrustView: (request, call) => getView(deps, request, call),
  }
}
