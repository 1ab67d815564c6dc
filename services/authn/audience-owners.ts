import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { LookupAudienceOwnerResponse } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { type Cause, ownCause } from '../platform/trace/span.ts'

/** The question who owns a host. */
interface OwnerRequest {
  readonly host: string
  /** Audiences whose rules are wanted, besides the rule of the host: at least one. */
  readonly audiences: string[]
  /** Domains whose entries in the lists of callers are wanted, besides `*`. */
  readonly callers?: string[]
}

/**
 * The directory in which authn looks up the owners of audiences. Verifications name no cause, because they may be
 * repeated for other calls.
 */
export interface AudienceOwners {
  lookupAudienceOwner(request: OwnerRequest, cause?: Cause): Promise<LookupAudienceOwnerResponse>
}

/** A look-up that has not begun. */
interface Shared {
  readonly audiences: Set<string>
  readonly callers: Set<string>
  readonly answer: Promise<LookupAudienceOwnerResponse>
}

/**
 * Lets requests that arrive in one turn of the event loop share a look-up of the same host. Under load most requests
 * are for a few audiences, and a look-up costs as much as the rest of a token. The answer has the rules and callers
 * that any of the requests wants.
 *
 * A look-up begins after its requests have arrived. So each request sees every change of a policy whose call had
 * returned before. `known-owners.ts` keeps answers, where the redemption checks them again.
 */
export function shareLookUps(owners: AudienceOwners): AudienceOwners {
  const waiting = new Map<string, Shared>()

  const begin = (host: string, cause: Cause): Shared => {
    const [audiences, callers] = [new Set<string>(), new Set<string>()]
    const lookUp = async () => {
      await endOfTurn()
      waiting.delete(host)
      return owners.lookupAudienceOwner({ host, audiences: [...audiences], callers: [...callers] }, cause)
    }
    const shared = { audiences, callers, answer: lookUp() }
    waiting.set(host, shared)
    return shared
  }
  return {
    lookupAudienceOwner({ host, audiences, callers = [] }, cause) {
      // Of the requests that share a look-up, the first one is its cause.
      const shared = waiting.get(host) ?? begin(host, cause ?? ownCause('authn'))
      for (const audience of audiences) shared.audiences.add(audience)
      for (const caller of callers) shared.callers.add(caller)
      return shared.answer
    },
  }
}
