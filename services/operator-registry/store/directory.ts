import type pg from 'pg'
import { OWNER_STATUSES } from '../domain/decide-confirm.ts'
import type { AudienceRule } from '../domain/parse-policy.ts'

/** A rule for an audience, and the ids of the edges of its callers in their order. */
interface OwnersRule extends AudienceRule {
  readonly callerEdges: readonly string[]
}

/** The operator that owns a host, and its rules for audiences. */
export interface AudienceOwner {
  readonly operatorId: string
  readonly rules: readonly OwnersRule[]
}

interface Row {
  readonly id: string
  readonly audience: string | null
  readonly callers: string[] | null
  readonly edges: string[] | null
  readonly alg: string | null
  readonly dpop: string | null
  readonly status: string | null
}

/** The statuses as SQL literals. With a parameter, the planner would not use the partial index operators_owner. */
const STATUSES = OWNER_STATUSES.map((status) => `'${status}'`).join(', ')

/** Reads callers and edges from the same rows, so that nothing is allowed without an edge that can end. */
const FIND_OWNER = `
SELECT o.id::text, a.audience, c.callers, c.edges, a.token_signing_alg AS alg, a.dpop, a.token_status AS status
FROM (
  SELECT id FROM operators WHERE domain = ANY ($1::text[]) AND status IN (${STATUSES})
  ORDER BY length(domain) DESC LIMIT 1
) o
LEFT JOIN operator_audiences a ON a.operator_id = o.id
LEFT JOIN LATERAL (
  SELECT array_agg(caller ORDER BY caller) AS callers, array_agg(edge_id::text ORDER BY caller) AS edges
  FROM operator_audience_callers
  WHERE operator_id = a.operator_id AND audience = a.audience AND ended_at IS NULL
) c ON true
ORDER BY a.audience`

/**
 * Finds the operator that owns the longest of these domains, with its rules for audiences, in one statement. A lapsed
 * or suspended operator is still the owner, so the owner of the parent domain does not get its audiences.
 *
 * Requests for tokens need it, so it is a prepared statement: Prisma would take several times as long.
 */
export async function findAudienceOwner(pool: pg.Pool, domains: readonly string[]): Promise<AudienceOwner | undefined> {
  const { rows } = await pool.query<Row>({ name: 'audience-owner', text: FIND_OWNER, values: [domains] })
  const [first] = rows
  if (first === undefined) return undefined
  const rules = rows.flatMap(({ audience, callers, edges, alg, dpop, status }) => {
    if (audience === null) return []
    const terms = { tokenSigningAlg: alg ?? '', dpop: dpop ?? '', tokenStatus: status ?? '' }
    return [{ audience, callers: callers ?? [], callerEdges: edges ?? [], ...terms }]
  })
  return { operatorId: first.id, rules }
}
