import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import { readAround } from '../explain/read-graph.ts'
import { explainRows } from '../explain/rows.ts'
import { getView } from './get-view.ts'
import { sealView } from './seal-view.ts'

/** Where the page is, under the issuer. */
const PAGE_PATH = '/trust'

type ViewDeps = Pick<TrustDeps, 'db' | 'readDb' | 'issuer' | 'graphPlaces' | 'now' | 'challengeKeys' | 'operators'>

/** Creates the handlers of the page that shows the graph. */
export function viewRoutes(deps: ViewDeps): Pick<Handlers<typeof TrustService>, 'createTrustView' | 'getTrustView'> {
  const rows = explainRows(deps.db.pool)
  return {
    async createTrustView({ around }, { principal }) {
      if (principal.kind !== 'operator' && principal.kind !== 'admin') throw new ApiError('UNAUTHENTICATED')
      readAround(around)
      const { view, expiresAt } = await sealView(deps, principal)
      const query = new URLSearchParams({ view, ...(around !== '' && { around }) })
      return { url: `${deps.issuer}${PAGE_PATH}?${query.toString()}`, expiresAt: timestampFromMs(expiresAt) }
    },
    getTrustView: (request, call) => getView({ ...deps, rows }, request, call),
  }
}
