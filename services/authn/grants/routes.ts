import { grantId } from '@auth4agent/core/delegation/grant-id'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { DelegationService } from '../../../gen/proto/auth4agent/v1/delegation_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { AuthnDeps } from '../config.ts'
import { createHolderStatements } from './holder-statement.ts'
import { issueGrant } from './issue-grant.ts'

/** Creates the handlers of DelegationService. */
export function grantRoutes(deps: AuthnDeps): Handlers<typeof DelegationService> {
  const holderStatement = createHolderStatements(deps)
  return {
    async issueGrant(request, call) {
      const { grant, terms, exp } = await issueGrant(deps, request, call)
      return {
        grant,
        grantId: grantId(Buffer.from(grant.slice(0, grant.lastIndexOf('.')))),
        expiresAt: timestampFromMs(exp * 1000),
        expiresIn: terms.ttl,
        maxDepth: terms.depth,
        delegateTo: [...terms.allowedDomains],
      }
    },
    async getHolderStatement({ did }) {
      const { statement, publicKey, exp } = await holderStatement(did)
      return { statement, publicKey: Uint8Array.from(publicKey), expiresAt: timestampFromMs(exp * 1000) }
    },
  }
}
