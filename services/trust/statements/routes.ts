import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'

type StatementHandlers = Pick<
  Handlers<typeof TrustService>,
  | 'putTrustStatement'
  | 'listTrustStatements'
  | 'revokeTrustStatement'
  | 'proposeTrust'
  | 'listTrustProposals'
  | 'listPublishedTrust'
>

/** Creates the handlers for statements and proposals. */
export function statementRoutes(_deps: TrustDeps): StatementHandlers {
  const todo = async () => {
    throw new ApiError('INTERNAL', 'to be written')
  }
  return {
    putTrustStatement: todo,
    listTrustStatements: todo,
    revokeTrustStatement: todo,
    proposeTrust: todo,
    listTrustProposals: todo,
    listPublishedTrust: todo,
  }
}
