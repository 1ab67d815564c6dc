import { setImmediate as endOfTurn } from 'node:timers/promises'
import type {
  LookupAudienceOwnerResponse,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'

/** The directory in which authn looks up the owners of audiences. */
export type AudienceOwners = Pick<InternalClient<typeof OperatorDirectoryService>, 'lookupAudienceOwner'>

/**
 * Lets requests that arrive in one turn of the event loop share a look-up of the same host. Under load most requests
 * are for a few audiences, and a look-up costs as much as the rest of a token.
 *
 * A look-up begins after its requests have arrived. So each request sees every change of a policy whose call had
 * returned before. For the same reason no answer is kept.
 */
export function shareLookUps(owners: AudienceOwners): AudienceOwners {
  const waiting = new Map<string, Promise<LookupAudienceOwnerResponse>>()

  const lookUp = async (host: string) => {
    await endOfTurn()
    waiting.delete(host)
    return owners.lookupAudienceOwner({ host })
  }
  return {
    lookupAudienceOwner({ host = '' }) {
      const shared = waiting.get(host) ?? lookUp(host)
      waiting.set(host, shared)
      return shared
    },
  }
}

/** Looks up the owner of each host once. For one request: a change of a policy is not seen afterwards. */
export function rememberOwners(owners: AudienceOwners): (host: string) => Promise<LookupAudienceOwnerResponse> {
  const known = new Map<string, Promise<LookupAudienceOwnerResponse>>()
  return (host) => {
    const owner = known.get(host) ?? owners.lookupAudienceOwner({ host })
    known.set(host, owner)
    return owner
  }
}
