import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { TrustStatement as Row } from '../../../gen/prisma/client.ts'
import type { ListTrustStatementsRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { pageTokenAfter, parsePageSize } from '../../platform/requests/page.ts'
import type { StatementDeps } from './deps.ts'

/** One page of statements. */
interface StatementPage {
  readonly rows: readonly Row[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

/**
 * Lists the statements that an operator has signed, and those that name it, newest first.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listStatements(
  { readDb, now, issuer }: StatementDeps,
  { id, withEnded, pageSize, pageToken }: ListTrustStatementsRequest,
): Promise<StatementPage> {
  const size = parsePageSize(pageSize)
  const after = parsePlace(pageToken)
  const live = { replacedAt: null, endedAt: null, expiresAt: { gt: new Date(now()) } }
  const rows = await readDb.prisma.trustStatement.findMany({
    where: {
      AND: [
        // A domain of another deployment can claim the id of this operator.
        {
          OR: [
            { signerId: id, home: issuer },
            { subjectId: id, subjectHome: issuer },
          ],
        },
        after === undefined ? {} : { OR: [{ putAt: { lt: after.at } }, { putAt: after.at, edgeId: { lt: after.id } }] },
      ],
      ...(!withEnded && live),
    },
    orderBy: [{ putAt: 'desc' }, { edgeId: 'desc' }],
    take: size + 1,
  })
  const page = rows.slice(0, size)
  const last = rows.length > size ? page.at(-1) : undefined
  return { rows: page, nextPageToken: last === undefined ? '' : tokenAfter(last) }
}

/** Times of a page come first, because the id of an edge is random. */
function tokenAfter({ putAt, edgeId }: Row): string {
  return pageTokenAfter(`${putAt.getTime()} ${edgeId}`)
}

function parsePlace(token: string): { readonly at: Date; readonly id: string } | undefined {
  if (token === '') return undefined
  const [ms = '', id = ''] = new TextDecoder().decode(decodeBase64url(token)).split(' ')
  if (!/^[1-9]\d{0,14}$/.test(ms) || !isUuid(id)) throw new ApiError('INVALID_PAGE_TOKEN')
  return { at: new Date(Number(ms)), id }
}
