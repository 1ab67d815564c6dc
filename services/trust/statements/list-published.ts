import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isServerIssuer } from '@auth4agent/core/identity/issuer-url'
import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { ListPublishedTrustRequest } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StatementDeps } from './deps.ts'
import { requireActive } from './require-active.ts'

/** A statement for another deployment. */
interface Published {
  readonly statement: string
  readonly signerEpoch: number
}

/** A page of statements. `next` is empty on the last page. */
interface PublishedPage {
  readonly statements: readonly Published[]
  readonly next: string
}

const PAGE_ROWS = 100
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

/**
 * Lists the statements of this deployment's active operators that count at another deployment. The order is the one of
 * the ids, which does not change. A statement that is put meanwhile may have an id that the reader has passed, so a
 * reader always reads all pages.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN, PERMISSION_DENIED, OPERATOR_NOT_ACTIVE
 */
export async function listPublished(
  deps: StatementDeps,
  { audience, after }: ListPublishedTrustRequest,
  call: Call,
): Promise<PublishedPage> {
  await requireOwner(deps, audience, call)
  if (after !== '' && !isUuid(after)) throw new ApiError('INVALID_PAGE_TOKEN')
  const at = new Date(deps.now())
  const rows = await deps.readDb.prisma.trustStatement.findMany({
    where: {
      home: deps.issuer,
      aud: { has: audience },
      replacedAt: null,
      endedAt: null,
      expiresAt: { gt: at },
      edgeId: { gt: after === '' ? BEFORE_ALL : after },
    },
    orderBy: { edgeId: 'asc' },
    take: PAGE_ROWS,
    select: { edgeId: true, signerId: true, statement: true },
  })
  const signers = await readSigners(
    deps,
    rows.map(({ signerId }) => signerId),
  )
  const statements = rows.flatMap(({ signerId, statement }) => {
    const signer = signers.get(signerId)
    const isInForce = signer?.status === 'active' && !signer.frozen
    return isInForce ? [{ statement, signerEpoch: signer.epoch }] : []
  })
  return { statements, next: rows.length < PAGE_ROWS ? '' : (rows.at(-1)?.edgeId ?? '') }
}

/** Refuses callers that do not own the host of the other deployment's issuer. */
async function requireOwner(deps: StatementDeps, audience: string, { principal }: Call): Promise<void> {
  if (!isServerIssuer(audience)) {
    throw new ApiError('INVALID_ARGUMENT', 'audience must be the issuer of a deployment, such as https://auth.example')
  }
  const owner = await deps.operators.lookupAudienceOwner({ host: new URL(audience).hostname })
  if (principal.kind !== 'operator' || principal.operatorId !== owner.operatorId) {
    const detail = `Only the operator that owns the host of ${audience} may read its statements`
    throw new ApiError('PERMISSION_DENIED', detail)
  }
  await requireActive(deps, owner.operatorId)
}

async function readSigners({ operators }: StatementDeps, ids: readonly string[]) {
  const found = await Promise.all(
    [...new Set(ids)].map(async (value) => (await operators.lookupOperator({ by: { case: 'id', value } })).operator),
  )
  return new Map(found.flatMap((operator): [string, OperatorSnapshot][] => (operator ? [[operator.id, operator]] : [])))
}
