import type pg from 'pg'
import { readPosition } from '../decide/read-position.ts'
import { FROM_NODE, PARTIES, type Party, TO_NODE } from '../decide/read-statements.ts'
import type { EndedEdge } from './cures/explanation.ts'

/** What an answer needs of a statement besides its edge. */
export interface ShownStatement {
  readonly id: string
  readonly jti: string
  readonly isPublic: boolean
  /** The JWS, of a statement of the path; else empty. */
  readonly proof: string
}

/** A statement that has ended, with its parties. */
export interface EndedRow extends EndedEdge {
  readonly isPublic: boolean
  readonly signer: Party
  readonly subject: Party
}

/** The rows that only explanations need. All are read from the primary. */
export interface ExplainRows {
  /** The head of the revocation log, `<log epoch>-<sequence>`. */
  position(): Promise<string>
  /** The thumbprint of the key that the record of a domain names; undefined for the administrator's word. */
  thumbprintOf(domainEdge: string): Promise<string | undefined>
  /** Statements by the ids of their edges, some of which are the path. */
  statements(ids: readonly string[], path: readonly string[]): Promise<readonly ShownStatement[]>
  /** Statements of an owner, or about a caller, that have ended and that no newer one replaces; newest first. */
  ended(owner: string, caller: string): Promise<readonly EndedRow[]>
  /** Where issuers speak for a domain or operator id. */
  places(domainOrId: string): Promise<readonly Party[]>
  /** Where live statements of an owner place a domain or operator id. */
  named(owner: string, domainOrId: string): Promise<readonly Party[]>
}

/** The most ended statements that are considered. They only say why an edge is missing. */
const MAX_ENDED = 200

const ENDED = `
SELECT s.edge_id::text AS id, s.kind::text AS kind, ${FROM_NODE} AS "from", ${TO_NODE} AS "to", s.depth, s.grants,
  extract(epoch FROM s.expires_at)::float8 AS exp, s.is_public AS "isPublic", ${PARTIES},
  CASE WHEN s.ended_at IS NULL AND s.unlisted_at IS NULL THEN 'expired' ELSE 'revoked' END AS state
FROM trust_statements s CROSS JOIN deployment d
WHERE d.issuer = ANY (s.aud) AND (s.signer_id = $1::uuid OR s.subject_id = $2::uuid) AND s.replaced_at IS NULL
  AND (s.ended_at IS NOT NULL OR s.unlisted_at IS NOT NULL OR s.expires_at <= now())
ORDER BY s.put_at DESC LIMIT ${MAX_ENDED}`

const PLACES = `
SELECT i.issuer AS home, n.domain, n.operator_id::text AS "operatorId"
FROM issuer_domains n JOIN issuers i ON i.id = n.issuer_id
WHERE n.domain = $1 OR n.operator_id::text = $1 ORDER BY i.issuer`

const NAMED = `
SELECT DISTINCT ON (s.subject_home) s.subject_home AS home, s.subject_domain AS domain, s.subject_id::text AS "operatorId"
FROM trust_statements s CROSS JOIN deployment d
WHERE s.signer_id = $1::uuid AND s.home = d.issuer AND s.kind <> 'chains-to' AND s.replaced_at IS NULL
  AND s.ended_at IS NULL AND s.expires_at > now() AND (s.subject_domain = $2 OR s.subject_id::text = $2)
ORDER BY s.subject_home, s.put_at DESC`

/** Reads the rows through a pool of the primary. */
export function explainRows(pool: Pick<pg.Pool, 'query'>): ExplainRows {
  return {
    position: () => readPosition(pool),
    async thumbprintOf(domainEdge) {
      const text = 'SELECT thumbprint FROM issuer_domains WHERE edge_id = $1::uuid'
      const { rows } = await pool.query<{ thumbprint: string | null }>(text, [domainEdge])
      return rows[0]?.thumbprint ?? undefined
    },
    async statements(ids, path) {
      const text = `SELECT edge_id::text AS id, jti, is_public AS "isPublic",
          CASE WHEN edge_id = ANY ($2::uuid[]) THEN statement ELSE '' END AS proof
        FROM trust_statements WHERE edge_id = ANY ($1::uuid[])`
      return (await pool.query<ShownStatement>(text, [ids, path])).rows
    },
    ended: async (owner, caller) => (await pool.query<EndedRow>(ENDED, [owner, caller])).rows,
    places: async (domainOrId) => (await pool.query<Party>(PLACES, [domainOrId])).rows,
    named: async (owner, domainOrId) => (await pool.query<Party>(NAMED, [owner, domainOrId])).rows,
  }
}
