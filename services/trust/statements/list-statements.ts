import type { TrustStatement as Row } from '../../../gen/prisma/client.ts'
import type { ListTrustStatementsRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { cutTimedPage, parsePageSize, parseTimedToken, type TimedPage } from '../../platform/requests/page.ts'
import type { StatementDeps } from './deps.ts'

/**
 * Lists the statements that an operator has signed, and those that name it, newest first.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listStatements(
  { readDb, now, issuer }: StatementDeps,
  { id, withEnded, pageSize, pageToken }: ListTrustStatementsRequest,
): Promise<TimedPage<Row>> {
  const size = parsePageSize(pageSize)
  const after = parseTimedToken(pageToken)
  const live = { replacedAt: null, endedAt: null, expiresAt: { gt: new Date(now()) } }
  // A domain of another deployment can claim the id of this operator.
  const signed = { signerId: id, home: issuer }
  const about = { subjectId: id, subjectHome: issuer }
  const earlier = after && { OR: [{ putAt: { lt: after.at } }, { putAt: after.at, edgeId: { lt: after.id } }] }
  const rows = await readDb.prisma.trustStatement.findMany({
    where: { AND: [{ OR: [signed, about] }, earlier ?? {}], ...(!withEnded && live) },
    orderBy: [{ putAt: 'desc' }, { edgeId: 'desc' }],
    take: size + 1,
  })
  return cutTimedPage(rows, size, ({ putAt: at, edgeId: id }) => ({ at, id }))
}
