import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { TrustProposal, TrustStatement } from '../../../gen/prisma/client.ts'
import type { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call, Handlers } from '../../calls/call.ts'
import type { StatementDeps } from './deps.ts'
import { listStatements } from './list-statements.ts'
import { toMessages } from './messages.ts'
import { listProposals } from './proposal-store.ts'
import { dismissTrust, proposeTrust } from './propose-trust.ts'
import { listPublished } from './published/list-published.ts'
import { putStatement } from './put-statement.ts'
import { revokeStatement } from './revoke-statement.ts'

type StatementHandlers = Pick<
  Handlers<typeof TrustService>,
  | 'putTrustStatement'
  | 'listTrustStatements'
  | 'revokeTrustStatement'
  | 'proposeTrust'
  | 'listTrustProposals'
  | 'dismissTrustProposal'
  | 'listPublishedTrust'
>

/** Creates the handlers for statements and proposals. */
export function statementRoutes(deps: StatementDeps): StatementHandlers {
  const messagesOf = (rows: readonly TrustStatement[]) =>
    toMessages(deps.db.prisma, rows, { issuer: deps.issuer, now: new Date(deps.now()) })
  const oneOf = async (row: TrustStatement) => {
    const [statement] = await messagesOf([row])
    return statement === undefined ? {} : { statement }
  }
  const home = deps.issuer
  const proposalOf = async (row: TrustProposal, call: Call) => {
    const { operator } = await deps.operators.lookupOperator({ by: { case: 'id', value: row.proposerId } }, call)
    return {
      proposalId: row.id,
      proposer: { operatorId: row.proposerId, domain: operator?.domain ?? '', home },
      signerId: row.signerId,
      draft: JSON.parse(JSON.stringify(row.draft)),
      createdAt: timestampFromDate(row.createdAt),
      expiresAt: timestampFromDate(row.expiresAt),
    }
  }
  return {
    putTrustStatement: async (request, call) => oneOf(await putStatement(deps, request, call)),
    async listTrustStatements(request) {
      const { rows, nextPageToken } = await listStatements(deps, request)
      return { statements: await messagesOf(rows), nextPageToken }
    },
    revokeTrustStatement: async (request, call) => oneOf(await revokeStatement(deps, request, call)),
    proposeTrust: async (request, call) => ({
      proposal: await proposalOf(await proposeTrust(deps, request, call), call),
    }),
    async listTrustProposals({ id }, call) {
      const rows = await listProposals(deps, id)
      return { proposals: await Promise.all(rows.map((row) => proposalOf(row, call))) }
    },
    async dismissTrustProposal(request, call) {
      const { proposerId, expiresAt } = await dismissTrust(deps, request, call)
      return { proposerId, refusedUntil: timestampFromDate(expiresAt) }
    },
    listPublishedTrust: (request, call) => listPublished(deps, request, call),
  }
}
