import type pg from 'pg'
import type { SessionSettings } from '../../platform/db/session.ts'
import { OWNER_STATUSES } from '../domain/decide-confirm.ts'
import type { AudienceRule } from '../domain/parse-policy.ts'

/** A rule for an audience, and the ids of the edges of its callers in their order. */
interface OwnersRule extends Omit<AudienceRule, 'users'> {
  readonly callerEdges: readonly string[]
}

/** The operator that owns a host, and the rules for audiences that were wanted. */
interface AudienceOwner {
  readonly operatorId: string
  readonly operatorVersion: number
  readonly rules: readonly OwnersRule[]
}

interface Row {
  readonly id: string
  readonly version: number
  readonly audience: string | null
  readonly callers: string[] | null
  readonly edges: string[] | null
  readonly alg: string | null
  readonly dpop: string | null
  readonly status: string | null
}

/** The statuses as SQL literals. With a parameter, the planner would not use the partial index operators_owner. */
const STATUSES = OWNER_STATUSES.map((status) => `'${status}'`).join(', ')

/**
 * SQL that selects id and version of the operator that owns the longest of these domains. A lapsed or suspended
 * operator is still the owner, so the owner of the parent domain does not get its audiences.
 */
export const selectOwner = (domains: string) => `SELECT id, version FROM operators
  WHERE domain = ANY (${domains}) AND status IN (${STATUSES}) ORDER BY length(domain) DESC LIMIT 1`

/** Reads callers and edges from the same rows, so that nothing is allowed without an edge that can end. */
const findOwner = (isRule: string, isCaller: string) => `
SELECT o.id::text, o.version, a.audience, c.callers, c.edges,
  a.token_signing_alg AS alg, a.dpop, a.token_status AS status
FROM (${selectOwner('$1::text[]')}) o
LEFT JOIN operator_audiences a ON a.operator_id = o.id AND ${isRule}
LEFT JOIN LATERAL (
  SELECT array_agg(caller ORDER BY caller) AS callers, array_agg(edge_id::text ORDER BY caller) AS edges
  FROM operator_audience_callers
  WHERE operator_id = a.operator_id AND audience = a.audience AND ${isCaller} AND ended_at IS NULL
) c ON true
ORDER BY a.audience`

/**
 * Settings of the database sessions that look up owners. With them, PostgreSQL plans the statement once for each
 * connection. Planning it costs four times as much as running it.
 */
export const LOOK_UP_SESSION: SessionSettings = { plan_cache_mode: 'force_generic_plan' }

const WANTED_RULES = findOwner('a.audience = ANY ($2::text[])', 'caller = ANY ($3::text[])')
const ALL_RULES = findOwner('true', 'true')

/** What is asked about the owner of a host. */
export interface OwnerQuestion {
  /** The host, and the domains that cover it, longest first. */
  readonly domains: readonly string[]
  /** Audiences whose rules are wanted, besides the rule of the host. Without any, every rule with every caller. */
  readonly audiences: readonly string[]
  /** Domains whose entries are wanted, besides `*`. */
  readonly callers: readonly string[]
}

/**
 * Finds the operator that owns the longest of these domains, with the wanted rules for audiences, in one statement.
 *
 * Requests for tokens need it, so it is a prepared statement: Prisma would take several times as long. It reads only
 * the wanted entries, so that nobody's policy makes the tokens for its audiences slow.
 */
export async function findAudienceOwner(pool: pg.Pool, question: OwnerQuestion): Promise<AudienceOwner | undefined> {
  const { rows } = await pool.query<Row>(statementFor(question))
  const [first] = rows
  if (first === undefined) return undefined
  const rules = rows.flatMap(({ audience, callers, edges, alg, dpop, status }) => {
    if (audience === null) return []
    const terms = { tokenSigningAlg: alg ?? '', dpop: dpop ?? '', tokenStatus: status ?? '' }
    return [{ audience, callers: callers ?? [], callerEdges: edges ?? [], ...terms }]
  })
  return { operatorId: first.id, operatorVersion: first.version, rules }
}

function statementFor({ domains, audiences, callers }: OwnerQuestion): pg.QueryConfig {
  if (audiences.length === 0) return { name: 'audience-owner-all', text: ALL_RULES, values: [domains] }
  const values = [domains, [...audiences, ...domains.slice(0, 1)], [...callers, '*']]
  return { name: 'audience-owner', text: WANTED_RULES, values }
}
