import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isServerIssuer } from '@auth4agent/core/identity/issuer-url'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  ListPublishedTrustRequest,
  ListPublishedTrustResponseSchema,
} from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../../calls/call.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { IS_IN_FORCE, SIGNER_EPOCH, SIGNER_HERE } from '../../decide/read-statements.ts'
import type { StatementDeps } from '../deps.ts'
import { requireActive } from '../require-active.ts'

interface Row {
  readonly edgeId: string
  readonly statement: string
  readonly signerEpoch: number
}

const PAGE_ROWS = 100
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

/** Statements that count at another deployment by the same rules by which they count here. */
const PUBLISHED = `
SELECT s.edge_id::text AS "edgeId", s.statement, ${SIGNER_EPOCH} AS "signerEpoch"
FROM trust_statements s CROSS JOIN deployment d JOIN operators o ON ${SIGNER_HERE}
WHERE s.home = $1 AND $2 = ANY (s.aud) AND ${IS_IN_FORCE} AND s.expires_at > $3 AND s.edge_id > $4::uuid
ORDER BY s.edge_id LIMIT $5`

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
): Promise<MessageInitShape<typeof ListPublishedTrustResponseSchema>> {
  await requireOwner(deps, audience, call)
  if (after !== '' && !isUuid(after)) throw new ApiError('INVALID_PAGE_TOKEN')
  const from = after === '' ? BEFORE_ALL : after
  const values = [deps.issuer, audience, new Date(deps.now()), from, PAGE_ROWS]
  const { rows } = await deps.readDb.pool.query<Row>({ name: 'trust-published', text: PUBLISHED, values })
  const statements = rows.map(({ statement, signerEpoch }) => ({ statement, signerEpoch }))
  return { statements, next: rows.length < PAGE_ROWS ? '' : (rows.at(-1)?.edgeId ?? '') }
}

/** Refuses callers that do not own the host of the other deployment's issuer. */
async function requireOwner(deps: StatementDeps, audience: string, call: Call): Promise<void> {
  if (!isServerIssuer(audience)) {
    throw new ApiError('INVALID_ARGUMENT', 'audience must be the issuer of a deployment, such as https://auth.example')
  }
  const { hostname: host } = new URL(audience)
  const owner = await deps.operators.lookupAudienceOwner({ host, audiences: [host] }, call)
  const { principal } = call
  if (principal.kind !== 'operator' || principal.operatorId !== owner.operatorId) {
    const detail = `Only the operator that owns the host of ${audience} may read its statements`
    throw new ApiError('PERMISSION_DENIED', detail)
  }
  await requireActive(deps, owner.operatorId, call)
}
