import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { TrustDeps } from '../config.ts'
import { listAdmissions } from './list-admissions.ts'
import { createReadAroundOwner } from './read-around-owner.ts'

/** Creates the handler of the list of admissions. */
export function admissionRoutes(deps: TrustDeps): Pick<Handlers<typeof TrustService>, 'listAdmissions'> {
  const readAroundOwner = createReadAroundOwner(deps.db.pool)
  return {
    listAdmissions: (request, call) => listAdmissions({ ...deps, readAroundOwner }, request, call),
  }
}
